// Value graphs: they are made once searches have paid for them and keep the requested recall.
// Answers are right while rows are added, changed and deleted.
#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "filter/indexed_values.hpp"
#include "graph_fixture.hpp"
#include "harness.hpp"
#include "interrupted_search.hpp"
#include "program_bytes.hpp"
#include "recall_of.hpp"
#include "shard/timed_searches.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kDim = 40;
// A third of the rows belongs to this tenant, another third to "t1", the others to two smaller
// tenants.
constexpr const char* kTenant = "t0";

// Of a requested recall of 0.95. Threads build the graphs, so each build has a recall of its own.
// In 10 builds the lowest comparison had a mean of 0.944 and a standard deviation of 0.002.
constexpr double kFloor = 0.93;

FilterBytes keyword(std::string_view field, std::string_view text) {
  return Bytes{}
      .op(FilterOp::Match)
      .put<uint8_t>(1)
      .put<uint8_t>(0)
      .text(field)
      .put<uint32_t>(1)
      .text(text)
      .put<uint32_t>(0)
      .put<uint8_t>(0)
      .bytes;
}

FilterBytes bothOf(const FilterBytes& one, const FilterBytes& other) {
  Bytes both;
  both.op(FilterOp::All).put<uint32_t>(2);
  both.bytes.insert(both.bytes.end(), one->begin(), one->end());
  both.bytes.insert(both.bytes.end(), other->begin(), other->end());
  return both.bytes;
}

struct ValuesFixture {
  explicit ValuesFixture(Metric metric = Metric::Cosine, uint32_t m = 12, uint32_t payloadM = 12)
      : pool(2), metric(metric), data(clusteredRows(rows, kDim, 1, metric == Metric::Cosine)),
        queries(clusteredRows(200, kDim, 4242, metric == Metric::Cosine)) {
    ShardSpec spec;
    spec.vectors = {{"v", kDim, metric, m, 80}};
    spec.vectors[0].payloadM = payloadM;
    spec.segmentBytes = uint64_t(1) << 28;
    shard = std::make_unique<Shard>(spec, pool);
    CHECK(shard->createPayloadIndex({"tenant", PayloadIndexKind::Keyword}).isOk());
    CHECK(shard->createPayloadIndex({"parity", PayloadIndexKind::Keyword}).isOk());
    CHECK(shard->createPayloadIndex({"r", PayloadIndexKind::Integer}).isOk());
    CHECK(shard->createPayloadIndex({"side", PayloadIndexKind::Keyword}).isOk());
    std::vector<std::string> payloads;
    const std::vector<uint32_t> ranks = ranksFrom(data);
    for (uint32_t row = 0; row < rows; row++)
      payloads.push_back("{\"side\":\"s" + std::to_string(3 * ranks[row] / rows) + "\"," +
                         payloadOf(row).substr(1));
    CHECK(fillMeasured(*shard, data, payloads).isOk());
  }

  // Ranks by distance from the first query.
  std::vector<uint32_t> ranksFrom(const std::vector<float>& vectors) const {
    const Space space(metric, kDim, vectors.data());
    std::vector<std::pair<float, uint32_t>> order;
    for (uint32_t at = 0; at < vectors.size() / kDim; at++)
      order.emplace_back(space.distance(queries.data(), at), at);
    std::sort(order.begin(), order.end());
    std::vector<uint32_t> ranks(order.size());
    for (uint32_t at = 0; at < order.size(); at++) ranks[order[at].second] = at;
    return ranks;
  }
  // Keeps the queries nearest to the first one.
  void askNearPivot() {
    const auto all = clusteredRows(3000, kDim, 4242, metric == Metric::Cosine);
    const std::vector<uint32_t> ranks = ranksFrom(all);
    for (uint32_t at = 0; at < ranks.size(); at++)
      if (ranks[at] < queries.size() / kDim)
        std::copy_n(&all[size_t(at) * kDim], kDim, &queries[size_t(ranks[at]) * kDim]);
  }

  static std::string tenantOf(uint32_t row) {
    const uint32_t hash = row * 2654435761u >> 16;
    return "t" + std::to_string(hash % 3 + (hash % 3 == 2 ? hash / 3 % 2 : 0));
  }
  static std::string payloadOf(uint32_t row, const std::string& tenant) {
    return "{\"tenant\":\"" + tenant + "\",\"parity\":\"" + (row % 2 == 0 ? "even" : "odd") +
           "\",\"r\":" + std::to_string(row % 1000) + "}";
  }
  static std::string payloadOf(uint32_t row) { return payloadOf(row, tenantOf(row)); }

  SearchResult find(size_t query, const FilterBytes& filter, bool isExact) const {
    DenseSearch search;
    search.request.query.assign(&queries[query * kDim], &queries[query * kDim] + kDim);
    search.request.limit = 10;
    search.request.recall = asked;
    search.request.isExact = isExact;
    search.request.filter = filter;
    search.request.explains = true;
    CHECK(search.run(*shard, shard->snapshot(), nullptr, Waiting::Allowed).isOk());
    return std::move(search.result);
  }

  // Mean recall@10 over all queries, and the strategies used.
  std::pair<double, std::set<std::string>> measure(const FilterBytes& filter) const {
    return recallOf(queries.size() / kDim,
                    [&](size_t at, bool isExact) { return find(at, filter, isExact); });
  }

  // Searches until the tenant has its graph. Most of the cost is noted beforehand, because
  // searching takes long.
  bool earnsWithin(uint32_t most, const std::string& text, const FilterBytes& by) const {
    constexpr double kPaid = 0.98;
    const Snapshot now = shard->snapshot();
    Segment& segment = now.segment(0);
    uint32_t count = 0;
    for (uint32_t row = 0; row < rows; row++) count += tenantOf(row) == text ? 1 : 0;
    const double paid = kPaid * ValueSpaces::costOf(count);
    CHECK(
        !segment.valueSpaces().note({0, "tenant", text}, count, paid, segment.space(0).vertices()));
    uint32_t asked = 0;
    while (!has(text) && asked < most) find(asked++ % (queries.size() / kDim), by, false);
    return asked > 1 && asked < most;
  }
  // The same of a graph that must come. On a busy machine the thread that makes it may be late.
  bool earn(const std::string& text, const FilterBytes& by) const {
    if (earnsWithin(50'000, text, by)) return true;
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (!has(text) && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return has(text);
  }
  // Makes the graph at once, as if searches had paid for it.
  bool grant(const std::string& text, const std::string& field = "tenant") const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    const Snapshot now = shard->snapshot();
    Segment& segment = now.segment(0);
    const uint32_t vertices = segment.space(0).vertices();
    while (!has(text, field) && std::chrono::steady_clock::now() < end) {
      if (segment.valueSpaces().note({0, field, text}, ValueSpaces::kLeastRows, 1e12, vertices))
        shard->indexer().kick();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return has(text, field);
  }
  std::shared_ptr<const VectorSpace> spaceOf(const std::string& text,
                                             const std::string& field = "tenant") const {
    const Snapshot now = shard->snapshot();
    Segment& segment = now.segment(0);
    return segment.valueSpaces().find({0, field, text}, segment.deletedRows(),
                                      [&](uint32_t row) { return segment.deletedAt(row) != 0; });
  }
  bool has(const std::string& text, const std::string& field = "tenant") const {
    return spaceOf(text, field) != nullptr;
  }
  static bool names(const SearchResult& found, std::string_view what) {
    return std::any_of(found.segments.begin(), found.segments.end(), [&](const auto& segment) {
      return std::string_view(segment.strategy).find(what) != std::string_view::npos;
    });
  }

  // Writes rows with these vectors and this tenant, with ids from `from` on.
  void write(const std::vector<float>& vectors, uint32_t from, const std::string& tenant) {
    const auto count = uint32_t(vectors.size() / kDim);
    write(count, from, tenant, {{0, vectors.data(), nullptr, count}});
  }
  void writeWithoutVector(uint32_t count, uint32_t from, const std::string& tenant) {
    write(count, from, tenant, {});
  }
  void write(uint32_t count, uint32_t from, const std::string& tenant,
             std::vector<UpsertColumns::Vectors> vectors) {
    std::string texts;
    std::vector<uint32_t> offsets{0};
    for (uint32_t at = 0; at < count; at++) {
      texts += payloadOf(from + at, tenant);
      offsets.push_back(uint32_t(texts.size()));
    }
    UpsertColumns columns;
    columns.ids = testIds(from, count);
    columns.seq = ++seq;
    columns.vectors = std::move(vectors);
    columns.payloadBytes = texts.data();
    columns.payloadOffsets = offsets.data();
    REQUIRE(shard->upsert(columns).isOk());
  }
  void setTenant(const std::vector<uint32_t>& ids, const std::string& tenant) {
    std::string texts;
    std::vector<uint32_t> offsets{0};
    UpsertColumns columns;
    for (const uint32_t id : ids) {
      columns.ids.push_back(PointId::number(id));
      texts += payloadOf(id, tenant);
      offsets.push_back(uint32_t(texts.size()));
    }
    columns.seq = ++seq;
    columns.payloadBytes = texts.data();
    columns.payloadOffsets = offsets.data();
    REQUIRE(shard->setPayloads(columns).isOk());
  }
  std::vector<uint32_t> idsOf(std::string_view tenant, uint32_t every) const {
    std::vector<uint32_t> ids;
    for (uint32_t row = 0; row < rows; row++)
      if (tenantOf(row) == tenant && row % every == 0) ids.push_back(row);
    return ids;
  }

  const uint32_t rows = isSlow() ? 6600 : 30'000;
  const FilterBytes filter = keyword("tenant", kTenant);
  uint64_t seq = 1;
  float asked = 0.95f;
  ThreadPool pool;
  Metric metric;
  std::unique_ptr<Shard> shard;
  std::vector<float> data;
  std::vector<float> queries;
};

std::vector<uint32_t> idsFound(const SearchResult& result) {
  std::vector<uint32_t> ids;
  for (uint32_t at = 0; at < result.rows.count; at++)
    ids.push_back(result.rows.ids[at * kIdWords + 1]);
  return ids;
}

// The strategy used a value graph, possibly with other steps.
bool areByGraph(const std::set<std::string>& strategies) {
  return std::all_of(strategies.begin(), strategies.end(),
                     [](const std::string& each) { return each.ends_with(" of value"); });
}

} // namespace

ANSWERS_TEST("a parked search in a value graph resumes even if the graph is dropped") {
  ValuesFixture fixture(Metric::L2);
  REQUIRE(fixture.grant(kTenant));
  const Snapshot snapshot = fixture.shard->snapshot();
  const auto interrupted = [&](size_t query, const auto& between) {
    SearchRequest request;
    request.query.assign(&fixture.queries[query * kDim], &fixture.queries[query * kDim] + kDim);
    request.filter = fixture.filter;
    return interruptedSearch(*fixture.shard, snapshot, request, between);
  };
  size_t times = 0;
  for (size_t query = 0; query < 20; query++) {
    const SearchResult found = interrupted(query, [&](const auto& parked, bool isParked) {
      times += isParked && parked.isOf(*fixture.spaceOf(kTenant)) ? 1 : 0;
      fixture.find(query + 1, fixture.filter, false);
    });
    CHECK_EQUAL(found.stats.strategy, "graph of value");
    CHECK(idsFound(found) == idsFound(fixture.find(query, fixture.filter, false)));
  }
  CHECK(times >= 20);
  bool isDropped = false;
  const SearchResult found = interrupted(0, [&](const auto&, bool) {
    if (isDropped) return;
    isDropped = true;
    fixture.shard->dropPayloadIndex("tenant");
    const Snapshot now = fixture.shard->snapshot();
    now.segment(0).valueSpaces().bury();
  });
  CHECK(isDropped);
  CHECK(found.stats.strategy.find("of value") == std::string::npos);
  CHECK(idsFound(found) == idsFound(fixture.find(0, fixture.filter, false)));
}

ANSWERS_TEST("a frequently queried value gets a graph, which keeps the requested recall") {
  for (const Metric metric : {Metric::Cosine, Metric::L2}) {
    const ValuesFixture fixture(metric);
    const auto before = fixture.measure(fixture.filter);
    CHECK(before.second.count("graph of value") == 0);
    REQUIRE(fixture.earn(kTenant, fixture.filter));
    const auto [recall, strategies] = fixture.measure(fixture.filter);
    std::printf("metric %d: %.4f before, %.4f by its graph\n", int(metric), before.first, recall);
    CHECK(areByGraph(strategies));
    CHECK_AT_LEAST(recall, kFloor);
    // With another condition, which is evaluated on the results.
    for (const double to : {60.0, 500.0, 900.0}) {
      const auto both = bothOf(fixture.filter, numberRange("r", 0, to));
      CHECK_AT_LEAST(fixture.measure(both).first, kFloor);
    }
    CHECK(ValuesFixture::names(
        fixture.find(0, bothOf(fixture.filter, numberRange("r", 0, 900)), false),
        "filtered graph of value"));
    // A search for another tenant does not use this graph.
    CHECK(!ValuesFixture::names(fixture.find(0, keyword("tenant", "t2"), false), "of value"));
  }
}

ANSWERS_TEST("rows added after a value graph was made are found at once") {
  ValuesFixture fixture;
  REQUIRE(fixture.grant(kTenant));
  const uint32_t began = fixture.spaceOf(kTenant)->vertices();
  // New rows near the queries, so that they are the answers.
  std::vector<float> near = fixture.queries;
  for (size_t at = 0; at < near.size(); at += 3) near[at] *= 1.001f;
  fixture.write(near, fixture.rows, kTenant);
  fixture.write(near, fixture.rows + 1000, "t2");
  for (size_t query = 0; query < fixture.queries.size() / kDim; query++) {
    const SearchResult found = fixture.find(query, fixture.filter, false);
    CHECK(ValuesFixture::names(found, "of value"));
    REQUIRE(found.rows.count == 10);
    CHECK_EQUAL(found.rows.ids[1], fixture.rows + query);
  }
  REQUIRE(waitForIndex(*fixture.shard).isOk());
  CHECK_AT_LEAST(fixture.measure(fixture.filter).first, kFloor);
  // More rows than the graph has room for: it is dropped, and indexing goes on.
  const uint32_t most = std::max(2 * began, began + 8192);
  uint32_t next = fixture.rows + 2000;
  for (const uint32_t count : {most - began - 500, 1000u}) {
    fixture.write(clusteredRows(count, kDim, next, true), next, kTenant);
    next += count;
    CHECK_AT_LEAST(fixture.measure(fixture.filter).first, kFloor);
    REQUIRE(waitForIndex(*fixture.shard).isOk());
    CHECK_AT_LEAST(fixture.measure(fixture.filter).first, kFloor);
  }
  CHECK(!fixture.has(kTenant));
  REQUIRE(fixture.grant(kTenant));
  CHECK(areByGraph(fixture.measure(fixture.filter).second));
}

ANSWERS_TEST("a value graph keeps the recall for queries near and far from the value's rows") {
  // Queries near one pivot are much alike, so their mean tells less about others.
  constexpr double kOfPivot = 0.03;
  for (const Metric metric : {Metric::Cosine, Metric::L2}) {
    ValuesFixture fixture(metric);
    fixture.askNearPivot();
    for (const char* side : {"s0", "s1", "s2"}) {
      REQUIRE(fixture.grant(side, "side"));
      for (const float asked : {0.8f, 0.95f}) {
        fixture.asked = asked;
        const auto [recall, strategies] = fixture.measure(keyword("side", side));
        std::printf("metric %d: %s, asked %.2f: %.4f", int(metric), side, asked, recall);
        for (const std::string& strategy : strategies) std::printf(" [%s]", strategy.c_str());
        std::printf("\n");
        CHECK_AT_LEAST(recall, asked - kOfPivot);
        CHECK_AT_LEAST(
            fixture.measure(bothOf(keyword("side", side), numberRange("r", 0, 700))).first,
            asked - kOfPivot);
      }
    }
  }
}

ANSWERS_TEST("rows of a value without the vector do not change the results of its graph") {
  for (const Metric metric : {Metric::Cosine, Metric::L2}) {
    ValuesFixture fixture(metric);
    fixture.writeWithoutVector(2 * fixture.rows, fixture.rows, kTenant);
    REQUIRE(fixture.grant(kTenant));
    CHECK(areByGraph(fixture.measure(fixture.filter).second));
    for (const double to : {400.0, 950.0}) {
      const double recall = fixture.measure(bothOf(fixture.filter, numberRange("r", 0, to))).first;
      std::printf("metric %d, r below %.0f: %.4f\n", int(metric), to, recall);
      CHECK_AT_LEAST(recall, kFloor);
    }
  }
}

ANSWERS_TEST("a value with fewer rows gets a graph even if another queried value has one") {
  const ValuesFixture fixture;
  REQUIRE(fixture.grant("even", "parity"));
  const auto both = bothOf(keyword("parity", "even"), fixture.filter);
  CHECK(ValuesFixture::names(fixture.find(0, both, false), "of value"));
  REQUIRE(fixture.earn(kTenant, both));
  CHECK_AT_LEAST(fixture.measure(both).first, kFloor);
}

ANSWERS_TEST("searches in a value graph respect payloads changed in place and deleted rows") {
  ValuesFixture fixture;
  REQUIRE(fixture.grant(kTenant));
  fixture.setTenant(fixture.idsOf("t2", 20), kTenant);
  fixture.setTenant(fixture.idsOf(kTenant, 40), "t2");
  auto [recall, strategies] = fixture.measure(fixture.filter);
  std::printf("changed in place: %.4f\n", recall);
  CHECK_AT_LEAST(recall, kFloor);
  CHECK(areByGraph(strategies));
  std::vector<PointId> dead;
  for (const uint32_t id : fixture.idsOf(kTenant, 3)) dead.push_back(PointId::number(id));
  for (const uint32_t id : fixture.idsOf("t2", 60)) dead.push_back(PointId::number(id));
  REQUIRE(fixture.shard->deletePoints(dead, ++fixture.seq).isOk());
  recall = fixture.measure(fixture.filter).first;
  std::printf("and some deleted: %.4f\n", recall);
  CHECK_AT_LEAST(recall, kFloor);
  CHECK_AT_LEAST(fixture.measure(bothOf(fixture.filter, numberRange("r", 0, 500))).first, kFloor);
  // After so many changes the graph is not used.
  fixture.setTenant(fixture.idsOf("t3", 1), kTenant);
  const auto changed = fixture.measure(fixture.filter);
  CHECK_AT_LEAST(changed.first, kFloor);
  CHECK(!areByGraph(changed.second));
}

ANSWERS_TEST("an older snapshot does not see later writes, not even through a value graph") {
  ValuesFixture fixture;
  REQUIRE(fixture.grant(kTenant));
  const Snapshot before = fixture.shard->snapshot();
  DenseSearch search;
  search.request.query.assign(fixture.queries.data(), fixture.queries.data() + kDim);
  search.request.limit = 10;
  search.request.filter = fixture.filter;
  REQUIRE(search.run(*fixture.shard, before, nullptr, Waiting::Allowed).isOk());
  const std::vector<uint32_t> ids(search.result.rows.ids.data(),
                                  search.result.rows.ids.data() + size_t(10) * kIdWords);
  fixture.write(fixture.queries, fixture.rows, kTenant);
  std::vector<PointId> dead;
  for (uint32_t at = 0; at < 10; at++) dead.push_back(PointId::number(ids[at * kIdWords + 1]));
  REQUIRE(fixture.shard->deletePoints(dead, ++fixture.seq).isOk());
  REQUIRE(waitForIndex(*fixture.shard).isOk());
  REQUIRE(search.run(*fixture.shard, before, nullptr, Waiting::Allowed).isOk());
  uint32_t same = 0;
  for (uint32_t at = 0; at < search.result.rows.count; at++)
    same +=
        std::find(ids.begin(), ids.end(), search.result.rows.ids[at * kIdWords + 1]) != ids.end();
  CHECK(same >= 9);
}

ANSWERS_TEST("value graphs are dropped with their index or when memory is short, and answers stay "
             "the same") {
  ValuesFixture fixture;
  REQUIRE(fixture.grant(kTenant));
  const auto held = [&] { return fixture.shard->snapshot().segment(0).valueSpaces().all().size(); };
  const uint64_t graphBytes = fixture.shard->memory().vectors[0].graph.bytes;
  fixture.shard->dropPayloadIndex("tenant");
  CHECK_EQUAL(held(), 0u);
  CHECK(fixture.shard->memory().vectors[0].graph.bytes < graphBytes);
  CHECK_AT_LEAST(fixture.measure(fixture.filter).first, kFloor);
  REQUIRE(fixture.shard->createPayloadIndex({"tenant", PayloadIndexKind::Keyword}).isOk());
  REQUIRE(fixture.grant(kTenant));
  CHECK(areByGraph(fixture.measure(fixture.filter).second));
  // An index of another kind does not have these texts, so there is no value graph.
  REQUIRE(fixture.shard->createPayloadIndex({"tenant", PayloadIndexKind::Uuid}).isOk());
  CHECK_EQUAL(held(), 0u);
  fixture.write(fixture.queries, fixture.rows, kTenant);
  CHECK_AT_LEAST(fixture.measure(fixture.filter).first, kFloor);
  REQUIRE(fixture.shard->createPayloadIndex({"tenant", PayloadIndexKind::Keyword}).isOk());
  REQUIRE(fixture.grant(kTenant));
  CHECK_AT_LEAST(fixture.measure(fixture.filter).first, kFloor);
  REQUIRE(fixture.shard->shed(false).isOk());
  CHECK_EQUAL(held(), 0u);
  const Snapshot now = fixture.shard->snapshot();
  CHECK(!now.segment(0).valueSpaces().note({0, "tenant", kTenant}, ValueSpaces::kLeastRows, 1e12,
                                           fixture.rows));
  CHECK_AT_LEAST(fixture.measure(fixture.filter).first, kFloor);
}

ANSWERS_TEST(
    "value graphs together have at most their vector's vertices, and the most queried ones stay") {
  ValuesFixture fixture;
  // New rows, so that the second value has as many as the first.
  for (const char* tenant : {"u", "v"})
    fixture.write(clusteredRows(2 * fixture.rows, kDim, tenant[0], true),
                  fixture.rows * (tenant[0] == 'u' ? 1 : 3), tenant);
  REQUIRE(waitForIndex(*fixture.shard).isOk());
  REQUIRE(fixture.grant("u"));
  REQUIRE(fixture.grant("v"));
  ValueSpaces& spaces = fixture.shard->snapshot().segment(0).valueSpaces();
  const uint32_t vertices = fixture.shard->snapshot().segment(0).space(0).vertices();
  // "u" is searched for less often than "v", and a third value less often than either.
  for (int asked = 0; asked < 100'000; asked++) fixture.has("v");
  // A value that would need the room of both gets no graph.
  const ValueKey greater{0, "tenant", "w"};
  for (int asked = 0; asked < 5000; asked++) CHECK(!spaces.note(greater, vertices, 1e12, vertices));
  CHECK(fixture.has("u"));
  const ValueKey other{0, "tenant", kTenant};
  CHECK(!spaces.note(other, vertices / 3, 1e12, vertices));
  while (!spaces.note(other, vertices / 3, 1e12, vertices)) {
  }
  fixture.shard->indexer().kick();
  CHECK(fixture.grant(kTenant));
  CHECK(!fixture.has("u"));
  CHECK(fixture.has("v"));
}

ANSWERS_TEST("payloadM 0 and Dot make no value graphs, and m 0 leaves only value graphs") {
  for (const auto& [metric, payloadM] : {std::pair(Metric::Cosine, 0u), {Metric::Dot, 12u}}) {
    const ValuesFixture none(metric, 12, payloadM);
    CHECK(!none.earnsWithin(3000, kTenant, none.filter));
  }
  const ValuesFixture alone(Metric::Cosine, 0, 12);
  CHECK(alone.measure(alone.filter).second == std::set<std::string>{"scan of matches"});
  REQUIRE(alone.grant(kTenant));
  const auto [recall, strategies] = alone.measure(alone.filter);
  CHECK(areByGraph(strategies));
  CHECK_AT_LEAST(recall, kFloor);
}

TEST("value graphs are made and searched while rows are added, changed and deleted") {
  ValuesFixture fixture;
  std::atomic<bool> isDone{false};
  std::thread searcher([&] {
    for (size_t at = 0; !isDone; at++) {
      const SearchResult found =
          fixture.find(at % (fixture.queries.size() / kDim), fixture.filter, false);
      CHECK_EQUAL(found.rows.count, 10u);
    }
  });
  std::vector<std::thread> granted;
  uint32_t next = fixture.rows;
  for (const char* tenant : {kTenant, "t1"}) {
    granted.emplace_back([&fixture, tenant] { CHECK(fixture.grant(tenant)); });
    for (int turn = 0; turn < 10; turn++, next += 10) {
      fixture.write(clusteredRows(10, kDim, next, true), next, tenant);
      fixture.setTenant({next, next + 1}, kTenant);
      REQUIRE(fixture.shard->deletePoints({PointId::number(next + 2)}, ++fixture.seq).isOk());
    }
    REQUIRE(waitForIndex(*fixture.shard).isOk());
  }
  for (std::thread& each : granted) each.join();
  isDone = true;
  searcher.join();
  // No row is lost between the start of a graph and the rows written meanwhile.
  const Snapshot now = fixture.shard->snapshot();
  for (const char* tenant : {kTenant, "t1"}) {
    const auto space = fixture.spaceOf(tenant);
    REQUIRE(space != nullptr);
    uint32_t rows = 0;
    for (const auto indexes = now.segment(0).indexes(); const auto& index : *indexes)
      if (index->field() == "tenant")
        index->readValues([&](const auto& values) { rows = values.texts.find(tenant).count(); });
    CHECK_EQUAL(space->vertices(), rows);
  }
}
