// Long vectors of floats, which lie split in segments: searches read half of them and give what all
// of each would give, to the bit, through churn, compaction, files and the table.
#include <map>
#include <memory>
#include <span>

#include "graph_fixture.hpp"
#include "harness.hpp"
#include "program_bytes.hpp"
#include "shard/row_widths.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kDim = 256;

ShardSpec specOf(Metric metric, CodeKind code = CodeKind::Auto) {
  ShardSpec spec;
  spec.vectors = {{"v", kDim, metric, 12, 80}};
  spec.vectors[0].code = code;
  spec.segmentBytes = uint64_t(1) << 28;
  return spec;
}

// A shard, and what was written to it.
struct Written {
  Written(Metric metric, CodeKind code)
      : metric(metric), shard(std::make_unique<Shard>(specOf(metric, code), pool)) {
    CHECK(shard->createPayloadIndex({"n", PayloadIndexKind::Integer}).isOk());
  }

  void upsert(uint32_t from, uint32_t count) {
    put(from, clusteredRows(count, kDim, unsigned(seq + 1), metric == Metric::Cosine));
  }
  void put(uint32_t from, const std::vector<float>& data) {
    const auto count = uint32_t(data.size() / kDim);
    std::string texts;
    std::vector<uint32_t> offsets{0};
    for (uint32_t at = 0; at < count; at++) {
      points[from + at] = {&data[size_t(at) * kDim], &data[size_t(at) * kDim] + kDim};
      texts += "{\"n\":" + std::to_string(from + at) + "}";
      offsets.push_back(uint32_t(texts.size()));
    }
    UpsertColumns columns;
    columns.ids = testIds(from, count);
    columns.seq = ++seq;
    columns.vectors = {{0, data.data(), nullptr, count}};
    columns.payloadBytes = texts.data();
    columns.payloadOffsets = offsets.data();
    CHECK(shard->upsert(columns).isOk());
  }
  void erase(uint32_t from, uint32_t count) {
    CHECK(shard->deletePoints(testIds(from, count), ++seq).isOk());
    for (uint32_t at = 0; at < count; at++) points.erase(from + at);
  }
  void settle() const { CHECK(waitForIndex(*shard).isOk()); }

  Metric metric;
  ThreadPool pool{2};
  std::unique_ptr<Shard> shard;
  uint64_t seq = 0;
  std::map<uint32_t, std::vector<float>> points;
};

using Scores = std::map<uint32_t, float>;

// By the kernels of floats.
float scoreOf(Metric metric, const float* query, const std::vector<float>& row) {
  return scoreOf(metric, kernels().floats.distance[size_t(metric)](query, row.data(), kDim));
}

// The ten best of the points from `from` to `to`.
Scores truth(const Written& written, const float* query, uint32_t from, uint32_t to) {
  std::vector<std::pair<float, uint32_t>> all;
  for (const auto& [id, row] : written.points)
    if (id >= from && id < to)
      all.emplace_back(kernels().floats.distance[size_t(written.metric)](query, row.data(), kDim),
                       id);
  std::sort(all.begin(), all.end());
  all.resize(std::min<size_t>(all.size(), 10));
  Scores scores;
  for (const auto& [distance, id] : all)
    scores[id] = scoreOf(written.metric, query, written.points.at(id));
  return scores;
}

SearchResult ask(const Shard& shard, SearchRequest request) {
  request.limit = 10;
  request.explains = true;
  SearchResult result;
  CHECK(search(shard.snapshot(), shard.spec().vectors, request, nullptr, result).isOk());
  return result;
}

Scores scoresOf(const SearchResult& result) {
  Scores scores;
  for (uint32_t at = 0; at < result.rows.count; at++)
    scores[result.rows.ids[at * kIdWords + 1]] = result.scores[at];
  return scores;
}

// Exact searches, with filters and without, give what floats give; all others scores of floats.
void checkAnswers(const Written& written, const Shard& shard) {
  constexpr uint32_t kQueries = 20;
  const auto queries = clusteredRows(kQueries, kDim, 4242, written.metric == Metric::Cosine);
  size_t hits = 0;
  for (uint32_t at = 0; at < kQueries; at++) {
    const float* const query = &queries[size_t(at) * kDim];
    SearchRequest request;
    request.query.assign(query, query + kDim);
    request.isExact = true;
    const Scores nearest = truth(written, query, 0, UINT32_MAX);
    CHECK(scoresOf(ask(shard, request)) == nearest);
    for (const uint32_t matches : {5u, 57u, 150u, 700u}) {
      request.filter = numberRange("n", 100, 100 + matches);
      const Scores expected = truth(written, query, 100, 100 + matches);
      request.isExact = true;
      CHECK(scoresOf(ask(shard, request)) == expected);
      request.isExact = false;
      const Scores found = scoresOf(ask(shard, request));
      CHECK_EQUAL(found.size(), expected.size());
      // So few are compared, all of them.
      if (matches <= 57) CHECK(found == expected);
    }
    request.filter.reset();
    for (const auto& [id, score] : scoresOf(ask(shard, request))) {
      CHECK_EQUAL(score, scoreOf(written.metric, query, written.points.at(id)));
      hits += nearest.count(id);
    }
  }
  CHECK(hits >= kQueries * 9);
}

void checkRows(const Written& written, const Shard& shard) {
  ScrollRequest request;
  request.limit = 10'000;
  request.fields.vectors.push_back(0);
  ScrollResult result;
  CHECK(scroll(shard.snapshot(), shard.spec().vectors, request, nullptr, result).isOk());
  REQUIRE(result.rows.count == written.points.size());
  for (uint32_t at = 0; at < result.rows.count; at++) {
    const auto& row = written.points.at(result.rows.ids[at * kIdWords + 1]);
    CHECK(std::memcmp(result.rows.vectors[0].data.data() + size_t(at) * kDim, row.data(),
                      kDim * sizeof(float)) == 0);
  }
}

void checkAll(const Written& written, const Shard& shard) {
  checkAnswers(written, shard);
  checkRows(written, shard);
  const Snapshot snapshot = shard.snapshot();
  for (size_t at = 0; at < snapshot.count(); at++)
    CHECK(snapshot.segment(at).space(0).spec().datatype == Datatype::SplitFloat32);
}

} // namespace

TEST("split vectors: answers are those of floats, through churn, compaction, files and the disk") {
  const std::pair<Metric, CodeKind> all[] = {{Metric::Cosine, CodeKind::Auto},
                                             {Metric::L2, CodeKind::Rabitq4},
                                             {Metric::L2, CodeKind::None}};
  for (const auto& [metric, code] : std::span(all).first(isForRaces() ? 2 : 3)) {
    Written written(metric, code);
    written.upsert(0, isSlow() ? 1000 : 3000);
    checkAll(written, *written.shard);
    written.settle();
    checkAll(written, *written.shard);
    written.upsert(50, 400);
    written.erase(120, 90);
    written.settle();
    checkAll(written, *written.shard);
    const int64_t frozen = written.shard->freeze();
    for (uint32_t left = 1; left > 0;) left = written.shard->moveRows(uint32_t(frozen), 200).take();
    CHECK(written.shard->dropSegment(uint32_t(frozen)).isOk());
    written.settle();
    checkAll(written, *written.shard);
    CHECK(written.shard->validate().empty());

    auto files = written.shard->checkpoint(scratchFolder());
    REQUIRE(files.isOk());
    const std::string path = files->segments[0].base.path;
    for (const Placement memory : {Placement::Cached, Placement::Cold}) {
      ShardSpec spec = specOf(metric, code);
      spec.vectors[0].memory = memory;
      Shard reopened(spec, written.pool);
      REQUIRE(reopened.openSegment({path, {}, {}, {}}, true).isOk());
      checkAll(written, reopened);
    }
  }
}

ANSWERS_TEST("split vectors: the table gets floats, with their checksums, and gives them back") {
  Written written(Metric::Cosine, CodeKind::Auto);
  written.upsert(0, 300);
  TableRows rows;
  REQUIRE(written.shard->takeFlush(1 << 26, rows).isOk());
  for (const auto& [id, row] : written.points)
    CHECK(std::memcmp(rows.vectors[0].data.data() + size_t(id) * kDim, row.data(),
                      kDim * sizeof(float)) == 0);
  TableView view;
  view.count = rows.count;
  view.idBytes = rows.idBytes.data();
  view.idOffsets = rows.idOffsets.data();
  view.seqs = rows.seqs.data();
  view.deleted = rows.deleted.data();
  view.crcs = rows.crcs.data();
  view.payloadBytes = rows.payloadBytes.data();
  view.payloadOffsets = rows.payloadOffsets.data();
  view.vectors = {{rows.vectors[0].data.data(), rows.vectors[0].counts.data()}};
  CHECK_EQUAL(written.shard->verifyRows(view), int64_t(-1));
  Shard loaded(specOf(Metric::Cosine), written.pool);
  REQUIRE(loaded.loadRows(view).isOk());
  checkRows(written, loaded);
}

ANSWERS_TEST("split vectors: an exact search reads little more than half of them") {
  for (const Metric metric : {Metric::Cosine, Metric::L2}) {
    Written written(metric, CodeKind::Auto);
    written.upsert(0, 2000);
    written.settle();
    const auto query = clusteredRows(1, kDim, 4242, metric == Metric::Cosine);
    SearchRequest request;
    request.query = query;
    request.isExact = true;
    const SearchResult result = ask(*written.shard, request);
    CHECK_EQUAL(result.stats.distances, uint64_t(2000));
    CHECK(result.stats.bytes < uint64_t(2000) * kDim * sizeof(float) * 6 / 10);
    CHECK(result.stats.bytes > uint64_t(2000) * kDim * sizeof(float) / 2);
  }
}

namespace {

// Points of which halves tell few apart: in clumps, far from the origin where that has a meaning.
std::vector<float> clumpedRows(uint32_t count, Metric metric, unsigned seed) {
  auto data = clusteredRows(count / 100, kDim, seed, false);
  data.resize(size_t(count) * kDim);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (size_t at = data.size(); at-- > 0;) {
    const size_t clump = at / kDim % (count / 100);
    if (at / kDim >= count / 100)
      data[at] = data[clump * kDim + at % kDim] + 1e-4f * normal(random);
  }
  if (metric == Metric::L2)
    for (float& value : data) value = 3 + value / 100;
  else
    (void)prepareVectors(data.data(), count, kDim, true);
  return data;
}

} // namespace

ANSWERS_TEST("split vectors: of those that halves cannot tell apart the right ones are found") {
  constexpr std::pair<Metric, CodeKind> all[] = {{Metric::Cosine, CodeKind::Rabitq4},
                                                 {Metric::L2, CodeKind::Sq8}};
  for (const auto& [metric, code] : all) {
    Written written(metric, code);
    constexpr uint32_t count = 1000;
    const auto data = clumpedRows(count, metric, 3);
    written.put(0, data);
    written.settle();
    for (uint32_t at = 0; at < 20; at++) {
      SearchRequest request;
      request.query.assign(&data[size_t(at) * 37 * kDim], &data[size_t(at) * 37 * kDim] + kDim);
      const float* const query = request.query.data();
      for (const bool isExact : {true, false}) {
        request.isExact = isExact;
        const Scores found = scoresOf(ask(*written.shard, request));
        CHECK_EQUAL(found.size(), size_t(10));
        if (isExact) CHECK(found == truth(written, query, 0, count));
        for (const auto& [id, score] : found)
          CHECK_EQUAL(score, scoreOf(metric, query, written.points.at(id)));
      }
      // All that are scored are asked for.
      request.oversampling = 3;
      for (const auto& [id, score] : scoresOf(ask(*written.shard, request)))
        CHECK_EQUAL(score, scoreOf(metric, query, written.points.at(id)));
    }
  }
}

ANSWERS_TEST("split vectors: where halves tell nothing apart, whole ones are read, once") {
  Written written(Metric::L2, CodeKind::None);
  constexpr uint32_t count = 20'000;
  auto data = clusteredRows(count, kDim, 5, false);
  for (float& value : data) value = 100 + value / 10;
  written.put(0, data);
  SearchRequest request;
  request.query.assign(data.begin(), data.begin() + kDim);
  request.isExact = true;
  const SearchResult result = ask(*written.shard, request);
  CHECK(scoresOf(result) == truth(written, request.query.data(), 0, count));
  CHECK(result.stats.bytes <= uint64_t(count) * kDim * sizeof(float) * 11 / 10);
}

ANSWERS_TEST("split vectors: many wanted are those of floats, whatever their share") {
  for (const Metric metric : {Metric::Cosine, Metric::L2}) {
    Written written(metric, CodeKind::None);
    constexpr uint32_t count = 9000;
    const auto data = clusteredRows(count, kDim, 6, metric == Metric::Cosine);
    written.put(0, data);
    SearchRequest request;
    request.query.assign(data.begin(), data.begin() + kDim);
    request.isExact = true;
    std::vector<float> expected;
    for (const auto& [id, row] : written.points)
      expected.push_back(scoreOf(metric, request.query.data(), row));
    std::sort(expected.begin(), expected.end(),
              [&](float a, float b) { return metric == Metric::Cosine ? a > b : a < b; });
    for (const uint32_t limit : {1u, 300u, 1100u, 1500u, 8999u, 20'000u}) {
      request.limit = limit;
      SearchResult result;
      CHECK(
          search(written.shard->snapshot(), written.shard->spec().vectors, request, nullptr, result)
              .isOk());
      REQUIRE(result.rows.count == std::min(limit, count));
      for (uint32_t at = 0; at < result.rows.count; at++)
        CHECK_EQUAL(result.scores[at], expected[at]);
    }
  }
}

ANSWERS_TEST("split vectors: examples are compared with all of each") {
  Written written(Metric::Cosine, CodeKind::None);
  const auto data = clusteredRows(2000, kDim, 7, true);
  written.put(0, data);
  written.settle();
  SearchRequest request;
  request.query.assign(data.begin(), data.begin() + kDim);
  request.examples.emplace();
  request.examples->combine = Combination::Combine::SumScores;
  request.examples->positives = 2;
  request.examples->count = 2;
  request.examples->vectors.assign(data.begin(), data.begin() + 2 * kDim);
  request.isExact = true;
  std::vector<float> expected;
  for (const auto& [id, row] : written.points) {
    float each[2];
    for (size_t at = 0; at < 2; at++)
      each[at] =
          kernels().floats.distance[size_t(Metric::Cosine)](&data[at * kDim], row.data(), kDim);
    expected.push_back(-request.examples->distanceOf(each, 1));
  }
  std::sort(expected.begin(), expected.end(), std::greater<>());
  const SearchResult result = ask(*written.shard, request);
  REQUIRE(result.rows.count == 10);
  for (uint32_t at = 0; at < 10; at++) CHECK_EQUAL(result.scores[at], expected[at]);
}

ANSWERS_TEST("split vectors: whatever lies alike, the first of the equal are found") {
  // More of them than are kept before they are compared, none of which can be told apart, and
  // others between them, which are dropped.
  for (const Metric metric : {Metric::Cosine, Metric::L2}) {
    ThreadPool pool(2);
    Shard shard(specOf(metric), pool);
    const auto one = clusteredRows(1, kDim, 1, metric == Metric::Cosine);
    constexpr uint32_t count = 3000;
    std::vector<float> data;
    for (uint32_t at = 0; at < count; at++)
      for (const float value : one) data.push_back(at % 3 == 0 ? -value : value);
    const std::vector<uint32_t> offsets(count + 1, 0);
    UpsertColumns columns;
    columns.ids = testIds(0, count);
    columns.seq = 1;
    columns.vectors = {{0, data.data(), nullptr, count}};
    columns.payloadBytes = "";
    columns.payloadOffsets = offsets.data();
    CHECK(shard.upsert(columns).isOk());
    SearchRequest request;
    request.query = one;
    request.isExact = true;
    request.limit = 10;
    SearchResult result;
    CHECK(search(shard.snapshot(), shard.spec().vectors, request, nullptr, result).isOk());
    REQUIRE(result.rows.count == 10);
    for (uint32_t at = 0; at < 10; at++)
      CHECK_EQUAL(result.rows.ids[at * kIdWords + 1], at / 2 * 3 + at % 2 + 1);
  }
}

ANSWERS_TEST("split vectors: only long ones are, of whole blocks, whose distances have a bound") {
  CHECK(mayBeSplit(Metric::Cosine, 256) && mayBeSplit(Metric::L2, 1536));
  CHECK(!mayBeSplit(Metric::Cosine, 224) && !mayBeSplit(Metric::Cosine, 270));
  CHECK(!mayBeSplit(Metric::Dot, 512) && !mayBeSplit(Metric::L1, 512));
  CHECK_EQUAL(std::string(nameOf(Datatype::SplitFloat32)), std::string("float32"));
  for (const bool isMulti : {false, true}) {
    ShardSpec spec = specOf(Metric::Cosine);
    spec.vectors[0].isMulti = isMulti;
    RowWidths widths(spec.vectors);
    CHECK(widths.narrowed(spec.vectors)[0].datatype ==
          (isMulti ? Datatype::Float32 : Datatype::SplitFloat32));
  }
}
