// Near twins (copies with a little noise) and deleted rows: the promised recall is kept.
#include <random>
#include <thread>

#include "graph_fixture.hpp"
#include "harness.hpp"
#include "search/absent_vertices.hpp"
#include "search/near_twins.hpp"
#include "search/space_search.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kDim = 40;
constexpr size_t kLimit = 10;

// Every row several times, side by side, each with noise of a twentieth of its length.
std::vector<float> twinsOf(const std::vector<float>& rows, size_t copies, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> twins;
  for (size_t row = 0; row < rows.size(); row += kDim)
    for (size_t copy = 0; copy < copies; copy++)
      for (size_t i = 0; i < kDim; i++) twins.push_back(rows[row + i] + 0.05f * normal(random));
  return twins;
}

struct TwinFixture {
  TwinFixture(Metric metric, uint32_t groups, size_t copies) : pool(2), metric(metric) {
    ShardSpec spec;
    spec.vectors = {{"v", kDim, metric, 12, 80}};
    spec.segmentBytes = uint64_t(1) << 28;
    shard = std::make_unique<Shard>(spec, pool);
    auto data = twinsOf(clusteredRows(groups, kDim, 1, false), copies, 2);
    const auto rows = uint32_t(data.size() / kDim);
    if (metric == Metric::Cosine) prepareVectors(data.data(), rows, kDim, true);
    std::vector<uint32_t> offsets(rows + 1, 0);
    UpsertColumns columns;
    columns.ids = testIds(0, rows);
    columns.seq = 1;
    columns.vectors = {{0, data.data(), nullptr, rows}};
    columns.payloadBytes = "";
    columns.payloadOffsets = offsets.data();
    CHECK(shard->upsert(columns).isOk());
    CHECK(waitForIndex(*shard).isOk());
    while (space().calibration()->vertices() == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  const VectorSpace& space() const { return shard->snapshot().segment(0).space(0); }

  SearchResult find(const float* query, float recall, bool isExact) const {
    SearchRequest request;
    request.query.assign(query, query + kDim);
    request.limit = kLimit;
    request.recall = recall;
    request.isExact = isExact;
    SearchResult result;
    CHECK(search(shard->snapshot(), shard->spec().vectors, request, nullptr, result).isOk());
    return result;
  }

  double recallOf(std::vector<float> queries, float asked) const {
    const size_t count = queries.size() / kDim;
    if (metric == Metric::Cosine) prepareVectors(queries.data(), count, kDim, true);
    double hits = 0;
    for (size_t at = 0; at < count; at++) {
      const float* const query = &queries[at * kDim];
      const SearchResult truth = find(query, 1, true);
      const SearchResult found = find(query, asked, false);
      for (uint32_t i = 0; i < found.rows.count; i++)
        for (uint32_t j = 0; j < truth.rows.count; j++)
          hits += found.rows.ids[i * kIdWords + 1] == truth.rows.ids[j * kIdWords + 1] ? 1 : 0;
    }
    return hits / double(count * kLimit);
  }

  ThreadPool pool;
  Metric metric;
  std::unique_ptr<Shard> shard;
};

std::vector<float> farFrom(size_t twins, size_t all) {
  std::vector<float> away;
  for (size_t at = 0; at < all; at++) away.push_back(at < twins ? 0.1f : 1 + 0.01f * float(at));
  return away;
}

} // namespace

SOLO_TEST("twins are recognised by their distance relative to the tenth neighbour beyond them") {
  for (const size_t twins : {size_t(0), size_t(1), size_t(3), size_t(11), kMostTwins})
    CHECK_EQUAL(countTwins(farFrom(twins, 256)), twins);
  CHECK_EQUAL(countTwins(farFrom(kMostTwins + 20, 256)), size_t(0));
  // Ten vectors beyond the twins must remain.
  CHECK_EQUAL(countTwins(farFrom(3, 12)), size_t(2));
  CHECK_EQUAL(countTwins(farFrom(3, 9)), size_t(0));
  CHECK_EQUAL(countTwins({}), size_t(0));
  // Equal vectors are twins of each other; if all are equal, none is.
  CHECK_EQUAL(countTwins(std::vector<float>(256, 0)), size_t(0));
  CHECK_EQUAL(countTwins(std::vector<float>(256, 1)), size_t(0));
}

ANSWERS_TEST(
    "among twins the promised recall is kept, whether or not the query's twins are stored") {
  const auto groups = uint32_t(isSlow() ? 700 : 2500);
  const auto queries = uint32_t(isSlow() ? 150 : 600);
  for (const Metric metric : {Metric::Cosine, Metric::L2, Metric::L1})
    for (const size_t copies : {4, 8}) {
      const TwinFixture fixture(metric, groups, copies);
      const auto others = clusteredRows(queries, kDim, 4242, false);
      const auto same = twinsOf(clusteredRows(queries, kDim, 1, false), 1, 77);
      for (const float asked : {0.9f, 0.95f, 0.99f}) {
        const double ofOthers = fixture.recallOf(others, asked);
        const double ofSame = fixture.recallOf(same, asked);
        std::printf("metric %d, %zu copies: asked %.2f, got %.4f held out, %.4f of stored\n",
                    int(metric), copies, double(asked), ofOthers, ofSame);
        CHECK_AT_LEAST(ofOthers, double(asked) - 0.02);
        CHECK_AT_LEAST(ofSame, double(asked) - 0.02);
      }
    }
}

ANSWERS_TEST("with deleted rows before compaction the promised recall is kept") {
  // For a recall of 0.95 this measures 0.972 to 0.984; without allowing for dead rows it was 0.947
  // to 0.950.
  constexpr double kInHand = 0.005;
  const auto rows = uint32_t(isSlow() ? 3000 : 12'000);
  for (const Metric metric : {Metric::Cosine, Metric::L2}) {
    const TwinFixture fixture(metric, rows, 1);
    std::vector<PointId> dead;
    for (uint32_t id = 0; id < rows; id += 3) dead.push_back(PointId::number(id));
    REQUIRE(fixture.shard->deletePoints(dead, 2).isOk());
    const auto queries = clusteredRows(isSlow() ? 150 : 1000, kDim, 4242, false);
    for (const float asked : {0.9f, 0.95f}) {
      const double got = fixture.recallOf(queries, asked);
      std::printf("metric %d, a third deleted: asked %.2f, got %.4f\n", int(metric), double(asked),
                  got);
      CHECK_AT_LEAST(got, double(asked) + kInHand);
    }
  }
}

TEST("a walk meets no vertex of a hidden group, and no list names one") {
  constexpr size_t kCopies = 6;
  const TwinFixture fixture(Metric::L2, 300, kCopies);
  const VectorSpace& space = fixture.space();
  for (uint32_t first = 0; first < 60 * kCopies; first += kCopies) {
    std::vector<uint32_t> group;
    for (uint32_t at = 0; at < kCopies; at++) group.push_back(first + at);
    AbsentVertices absent(space, space.codes(), group);
    RowFloats room;
    SearchOptions options = walkOptions(Metric::L2, Effort{1.5f}, kCalibratedWanted);
    options.hidden = &absent;
    SearchStats stats;
    SpaceSearch search(space, space.floats(first, room), Waiting::Allowed, stats);
    std::vector<Neighbor> found;
    SearchEnd end = SearchEnd::Complete;
    CHECK(search.lead(options, AcceptAll{}, found, end).isOk());
    CHECK(absent.endWalk().isOk());
    CHECK(found.size() >= kCalibratedWanted);
    for (const Neighbor& each : found) CHECK(!absent.hides(each.vertex));
    for (const uint32_t vertex : space.graph().neighbours(found.front().vertex)) {
      std::vector<uint32_t> list = space.graph().neighbours(vertex);
      const size_t count = list.size();
      if (absent.hides(vertex) || !absent.hidesAny(list.data(), count)) continue;
      list.resize(count + 8);
      list.resize(absent.leave(vertex, list.data(), count, list.size()));
      CHECK(!absent.hidesAny(list.data(), list.size()));
    }
  }
}
