// The requested recall is kept for queries that the calibration has not seen.
#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "graph_fixture.hpp"
#include "harness.hpp"
#include "program_bytes.hpp"
#include "search/absent_vertices.hpp"
#include "search/space_search.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kDim = 40;

struct RecallFixture {
  RecallFixture(Metric metric, uint32_t rows, bool waits = true) : pool(2), metric(metric) {
    ShardSpec spec;
    spec.vectors = {{"v", kDim, metric, 12, 80}};
    spec.segmentBytes = uint64_t(1) << 28;
    shard = std::make_unique<Shard>(spec, pool);
    add(rows);
    CHECK(waitForIndex(*shard).isOk());
    if (waits) waitForCalibration();
  }

  void add(uint32_t rows) {
    const auto data = clusteredRows(rows, kDim, ++batches, metric == Metric::Cosine);
    std::vector<uint32_t> offsets(rows + 1, 0);
    UpsertColumns columns;
    columns.ids = testIds(count, rows);
    columns.seq = batches;
    columns.vectors = {{0, data.data(), nullptr, rows}};
    columns.payloadBytes = "";
    columns.payloadOffsets = offsets.data();
    REQUIRE(shard->upsert(columns).isOk());
    count += rows;
  }

  std::shared_ptr<const Calibration> calibration() const {
    return shard->snapshot().segment(0).space(0).calibration();
  }

  void waitForCalibration() const {
    while (calibration()->vertices() == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  // Queries of another kind than the rows: means of five rows, which lie between the clusters.
  std::vector<float> mixtures(uint32_t count, uint32_t seed) const {
    const auto rows = clusteredRows(5 * count, kDim, seed, metric == Metric::Cosine);
    std::vector<float> mixed(size_t(count) * kDim);
    for (uint32_t row = 0; row < 5 * count; row++)
      for (uint32_t i = 0; i < kDim; i++)
        mixed[size_t(row / 5) * kDim + i] += rows[size_t(row) * kDim + i] / 5;
    if (metric == Metric::Cosine) prepareVectors(mixed.data(), count, kDim, true);
    return mixed;
  }

  void calibrateOn(const std::vector<float>& queries) const {
    auto live = std::make_shared<LiveQueries>();
    for (size_t at = 0; at < queries.size(); at += kDim)
      live->vectors.emplace_back(&queries[at], &queries[at] + kDim);
    shard->indexer().calibrateAnew(0, std::move(live));
    while (shard->indexer().awaitsCalibration(0))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  SearchResult find(const float* query, uint32_t limit, float recall, bool exact) const {
    SearchRequest request;
    request.query.assign(query, query + kDim);
    request.limit = limit;
    request.recall = recall;
    request.isExact = exact;
    SearchResult result;
    CHECK(search(shard->snapshot(), shard->spec().vectors, request, nullptr, result).isOk());
    return result;
  }

  // Mean recall@limit of held-out queries, and the mean number of distances.
  std::pair<double, double> measure(float recall, uint32_t limit, uint32_t queries = 400) const {
    return measure(recall, limit, clusteredRows(queries, kDim, 4242, metric == Metric::Cosine));
  }
  std::pair<double, double> measure(float recall, uint32_t limit,
                                    const std::vector<float>& asked) const {
    const auto queries = uint32_t(asked.size() / kDim);
    double hits = 0;
    double distances = 0;
    for (uint32_t at = 0; at < queries; at++) {
      const float* const query = &asked[size_t(at) * kDim];
      const SearchResult truth = find(query, limit, 1, true);
      const SearchResult found = find(query, limit, recall, false);
      distances += double(found.stats.distances);
      for (uint32_t i = 0; i < found.rows.count; i++)
        for (uint32_t j = 0; j < truth.rows.count; j++)
          hits += found.rows.ids[i * kIdWords + 1] == truth.rows.ids[j * kIdWords + 1] ? 1 : 0;
    }
    return {hits / (double(queries) * limit), distances / queries};
  }

  ThreadPool pool;
  Metric metric;
  std::unique_ptr<Shard> shard;
  uint32_t count = 0;
  uint32_t batches = 0;
};

} // namespace

ANSWERS_TEST("the requested recall is kept with every metric at about the least effort") {
  for (const Metric metric : {Metric::Cosine, Metric::L2, Metric::Dot, Metric::L1}) {
    const RecallFixture fixture(metric, isSlow() ? 3000 : 20'000);
    double before = 0;
    for (const float target : {0.8f, 0.9f, 0.95f, 0.99f}) {
      const auto [recall, distances] = fixture.measure(target, 10);
      std::printf("metric %d: asked %.2f, got %.4f with %.0f distances\n", int(metric), target,
                  recall, distances);
      CHECK_AT_LEAST(recall, target - 0.015);
      CHECK(distances >= before);
      before = distances;
    }
    CHECK(before < fixture.count / 2.0);
  }
}

namespace {

// The share of the ten nearest that walks of one effort find, for hidden or held-out vectors.
// Hidden vectors do not count as neighbours.
double recallOfWalks(const VectorSpace& space, const std::vector<float>& sought,
                     const std::vector<uint32_t>& hidden) {
  const SearchOptions plain = walkOptions(space.spec().metric, Effort{1.02f}, kCalibratedWanted);
  double hits = 0;
  const size_t count = sought.size() / kDim;
  for (size_t at = 0; at < count; at++) {
    const float* const query = &sought[at * kDim];
    std::vector<Neighbor> nearest;
    for (uint32_t vertex = 0; vertex < space.vertices(); vertex++)
      if (hidden.empty() || vertex != hidden[at])
        nearest.push_back({space.space().distance(query, vertex), vertex});
    std::partial_sort(nearest.begin(), nearest.begin() + kCalibratedWanted, nearest.end(),
                      isNearer);
    SearchOptions options = plain;
    std::optional<AbsentVertices> absent;
    if (!hidden.empty()) {
      options.hidden = &absent.emplace(space, space.codes(), std::vector<uint32_t>{hidden[at]});
    }
    SearchStats stats;
    SpaceSearch search(space, query, Waiting::Allowed, stats);
    std::vector<Neighbor> found;
    SearchEnd end = SearchEnd::Complete;
    CHECK(search.walk(options, {kDeepest}, AcceptAll{}, found, end).isOk());
    CHECK(!absent || absent->endWalk().isOk());
    for (size_t i = 0; i < found.size() && i < kCalibratedWanted; i++)
      hits += found[i].distance <= nearest[kCalibratedWanted - 1].distance ? 1 : 0;
  }
  return hits / double(count * kCalibratedWanted);
}

} // namespace

ANSWERS_TEST("walks for hidden stored vectors have the recall of walks for held-out vectors") {
  const uint32_t rows = isSlow() ? 3000 : 12'000;
  const uint32_t sought = isSlow() ? 150 : 1500;
  const RecallFixture fixture(Metric::L2, rows);
  const Snapshot snapshot = fixture.shard->snapshot();
  const VectorSpace& space = snapshot.segment(0).space(0);
  std::vector<uint32_t> hidden;
  std::vector<float> stored;
  // Spread over the graph, because early vertices are in more lists.
  for (uint32_t at = 0; at < rows && hidden.size() < sought; at++) {
    const uint32_t vertex = at * 7 % rows;
    if (space.graph().levelOf(vertex) > 0) continue;
    hidden.push_back(vertex);
    stored.resize(stored.size() + kDim);
    CHECK(space.load(vertex, &stored[stored.size() - kDim], true).isOk());
  }
  const double ofHidden = recallOfWalks(space, stored, hidden);
  const double ofOthers =
      recallOfWalks(space, clusteredRows(sought, kDim, 4242, false), std::vector<uint32_t>());
  // The losses are compared, so walks must lose something.
  CHECK_AT_LEAST(0.985, ofOthers);
  std::printf("hidden: %.4f, held out: %.4f\n", ofHidden, ofOthers);
  // The promise from hidden vectors holds for others, and is not much lower than needed.
  CHECK_AT_LEAST(ofOthers + (isSlow() ? 0.05 : 0.005), ofHidden);
  CHECK_AT_LEAST(ofHidden, ofOthers - (isSlow() ? 0.06 : 0.022));
}

TEST("without a hidden vertex, a list holds vertices that it displaced, each once, within its "
     "size") {
  const RecallFixture fixture(Metric::L2, 2000);
  const Snapshot snapshot = fixture.shard->snapshot();
  const VectorSpace& space = snapshot.segment(0).space(0);
  const HnswGraph& graph = space.graph();
  size_t longer = 0;
  for (uint32_t vertex = 0; vertex < 300; vertex++) {
    const std::vector<uint32_t> before = graph.neighbours(vertex);
    for (const uint32_t hidden : before) {
      const std::vector<uint32_t> around = graph.neighbours(hidden);
      for (const size_t most : {before.size(), before.size() + 20}) {
        std::vector<uint32_t> list = before;
        list.resize(most);
        const size_t count = AbsentVertices(space, space.codes(), {hidden})
                                 .leave(vertex, list.data(), before.size(), most);
        REQUIRE(count <= most && count + 1 >= before.size());
        list.resize(count);
        longer += count > before.size() ? 1 : 0;
        std::set<uint32_t> all(list.begin(), list.end());
        CHECK_EQUAL(all.size(), count);
        CHECK(!all.contains(hidden) && !all.contains(vertex));
        for (const uint32_t id : before) CHECK(id == hidden || all.contains(id));
        for (const uint32_t id : list)
          CHECK(std::find(before.begin(), before.end(), id) != before.end() ||
                std::find(around.begin(), around.end(), id) != around.end());
      }
    }
  }
  CHECK(longer > 0);
}

ANSWERS_TEST("no walk computes much more distances than the median one, and the recall is kept") {
  for (const Metric metric : {Metric::Cosine, Metric::L2}) {
    const RecallFixture fixture(metric, isSlow() ? 3000 : 20'000);
    for (const float target : {0.8f, 0.9f, 0.95f}) {
      const auto promise = fixture.calibration()->least(target);
      REQUIRE(promise.has_value());
      CHECK(promise->most <= kMostOfTypical * promise->typical * 1.001);
      uint64_t longest = 0;
      const auto queries = clusteredRows(400, kDim, 50, metric == Metric::Cosine);
      for (size_t at = 0; at < 400; at++) {
        const SearchStats stats = fixture.find(&queries[at * kDim], 10, target, false).stats;
        longest = std::max(longest, stats.distances - stats.rescored);
      }
      // The walk may end one hop later.
      CHECK(double(longest) <= promise->most + 2 * 12);
      CHECK_AT_LEAST(fixture.measure(target, 10).first, target - 0.015);
    }
  }
}

ANSWERS_TEST("recall is kept for one neighbour and for a hundred") {
  const RecallFixture fixture(Metric::L2, isSlow() ? 3000 : 20'000);
  for (const uint32_t limit : {1u, 5u, 100u}) {
    const auto [recall, distances] = fixture.measure(0.95f, limit);
    std::printf("limit %u: %.4f with %.0f distances\n", limit, recall, distances);
    CHECK_AT_LEAST(recall, 0.93);
  }
}

ANSWERS_TEST("of equal distances at the end of a page the first rows are returned, as by a scan") {
  constexpr uint32_t kDistinct = 1500, kDims = 16, kQueries = 100;
  std::mt19937 random(23);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(kDistinct * kDims);
  for (float& value : vectors) value = normal(random);
  // Each row a second time, in another order.
  std::vector<uint32_t> order(kDistinct);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), random);
  for (const uint32_t row : order)
    for (uint32_t i = 0; i < kDims; i++) vectors.push_back(vectors[row * kDims + i]);
  ThreadPool pool(2);
  ShardSpec spec;
  // L1 has no codes, so no rescoring would reorder the results.
  spec.vectors = {{"v", kDims, Metric::L1, 16, 100}};
  Shard shard(spec, pool);
  CHECK(shard.createPayloadIndex({"n", PayloadIndexKind::Integer}).isOk());
  const std::vector<std::string> payloads(2 * kDistinct, "{\"n\":1}");
  REQUIRE(fillMeasured(shard, vectors, payloads).isOk());
  for (const bool isFiltered : {false, true}) {
    uint32_t same = 0;
    for (uint32_t at = 0; at < kQueries; at++) {
      SearchRequest request;
      for (uint32_t i = 0; i < kDims; i++) request.query.push_back(normal(random));
      // Pairs are equally far, so an odd limit ends between two equal rows.
      request.limit = 9;
      request.ef = 200;
      if (isFiltered) request.filter = numberRange("n", 0, 2);
      SearchRequest exact = request;
      exact.isExact = true;
      SearchResult found, all;
      CHECK(search(shard.snapshot(), spec.vectors, request, nullptr, found).isOk());
      CHECK(search(shard.snapshot(), spec.vectors, exact, nullptr, all).isOk());
      const auto* const ids = found.rows.ids.data();
      same += std::equal(ids, ids + found.rows.count * kIdWords, all.rows.ids.data()) ? 1 : 0;
    }
    std::printf("%s: %u of %u as a scan has them\n", isFiltered ? "filtered" : "all", same,
                kQueries);
    CHECK(same >= kQueries * 95 / 100);
  }
}

ANSWERS_TEST("a graph that is not calibrated yet is searched with generous effort") {
  const RecallFixture fixture(Metric::Cosine, 3000, false);
  const auto promise = Calibration::untried(Metric::Cosine).least(0.95f);
  REQUIRE(promise.has_value());
  // Calibration may have run by now.
  CHECK_AT_LEAST(fixture.measure(0.95f, 10, 100).first, 0.93);
}

ANSWERS_TEST("a recall that no measured walk reaches is kept by a scan") {
  const RecallFixture fixture(Metric::L2, 3000);
  const SearchResult found =
      fixture.find(std::vector<float>(kDim, 0.1f).data(), 10, 0.99999f, false);
  CHECK(found.stats.strategy == "scan");
}

TEST("a small graph is measured up to the greatest recall that walks reach") {
  for (const uint32_t rows : {1500u, 3000u}) {
    const RecallFixture fixture(Metric::L2, rows);
    fixture.calibrateOn(fixture.mixtures(200, 78));
    CHECK(fixture.calibration()->least(0.99f).has_value());
    CHECK(fixture.calibration()->leastAccepted(0.985f, 0.3).has_value());
  }
}

ANSWERS_TEST(
    "a calibration on live queries keeps the requested recall for queries of another kind") {
  for (const Metric metric : {Metric::Cosine, Metric::L2}) {
    const RecallFixture fixture(metric, isSlow() ? 3000 : 20'000);
    const auto asked = fixture.mixtures(400, 77);
    const double before = fixture.measure(0.9f, 10, asked).first;
    fixture.calibrateOn(fixture.mixtures(400, 78));
    CHECK_EQUAL(fixture.calibration()->samples().live, 400u);
    CHECK_EQUAL(fixture.calibration()->samples().stored, 0u);
    const double after = fixture.measure(0.9f, 10, asked).first;
    std::printf("metric %d: asked 0.9, got %.4f, and %.4f after\n", int(metric), before, after);
    CHECK_AT_LEAST(0.88, before);
    CHECK_AT_LEAST(after, 0.88);
  }
}

ANSWERS_TEST("stored vectors supplement few live queries, also after the graph has doubled") {
  RecallFixture fixture(Metric::L2, 2000);
  CHECK_EQUAL(fixture.calibration()->samples().live, 0u);
  fixture.calibrateOn(fixture.mixtures(70, 78));
  CHECK_EQUAL(fixture.calibration()->samples().live, 70u);
  CHECK_EQUAL(fixture.calibration()->samples().stored, 58u);
  const uint32_t before = fixture.calibration()->vertices();
  fixture.add(3000);
  while (fixture.calibration()->vertices() == before)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK_EQUAL(fixture.calibration()->samples().live, 70u);
}

TEST("calibration runs again once the graph has doubled, and is kept in the file") {
  RecallFixture fixture(Metric::Cosine, 2000);
  const uint32_t before = fixture.calibration()->vertices();
  fixture.add(3000);
  while (fixture.calibration()->vertices() == before)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto measured = fixture.calibration();
  auto written = fixture.shard->checkpoint(scratchFolder());
  REQUIRE(written.isOk());
  Shard reopened(fixture.shard->spec(), fixture.pool);
  reopened.indexer().setEnabled(false);
  REQUIRE(reopened.openSegment({written->segments[0].base.path, {}, {}, {}}, true).isOk());
  const auto read = reopened.snapshot().segment(0).space(0).calibration();
  CHECK_EQUAL(read->vertices(), measured->vertices());
  REQUIRE(read->reaches().size() == measured->reaches().size());
  for (size_t at = 0; at < read->reaches().size(); at++) {
    CHECK(read->reaches()[at].reach == measured->reaches()[at].reach);
    CHECK(read->reaches()[at].recall == measured->reaches()[at].recall);
  }
  CHECK_EQUAL(read->depths().size(), measured->depths().size());
  CHECK_EQUAL(read->samples().stored, measured->samples().stored);
  CHECK_EQUAL(read->samples().live, measured->samples().live);
}

TEST("a calibration after the file was written goes into an overlay, and the file stays") {
  RecallFixture fixture(Metric::Cosine, 2000);
  const auto first = fixture.shard->checkpoint(scratchFolder());
  REQUIRE(first.isOk());
  CHECK(!first->segments[0].overlay);
  CHECK(!fixture.shard->stats().segments[0].isMeasuredAnew);
  fixture.calibrateOn(fixture.mixtures(200, 78));
  CHECK(fixture.shard->stats().segments[0].isMeasuredAnew);
  const auto second = fixture.shard->checkpoint(scratchFolder());
  REQUIRE(second.isOk());
  CHECK_EQUAL(second->segments[0].base.path, first->segments[0].base.path);
  REQUIRE(second->segments[0].overlay.has_value());
  CHECK(!fixture.shard->stats().segments[0].isMeasuredAnew);
  Shard reopened(fixture.shard->spec(), fixture.pool);
  reopened.indexer().setEnabled(false);
  REQUIRE(reopened
              .openSegment(
                  {second->segments[0].base.path, {}, second->segments[0].overlay->path, {}}, true)
              .isOk());
  const auto read = reopened.snapshot().segment(0).space(0).calibration();
  CHECK_EQUAL(read->samples().live, 200u);
  REQUIRE(!read->reaches().empty());
  CHECK_EQUAL(read->reaches()[0].most, fixture.calibration()->reaches()[0].most);
  // There is nothing left to calibrate or to write.
  CHECK(!reopened.snapshot().segment(0).space(0).isCalibrationDue());
  CHECK(!reopened.stats().segments[0].isMeasuredAnew);
}
