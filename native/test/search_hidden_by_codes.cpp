// Neighbours that codes hide must be counted by vectors, not by codes. Vectors without codes must
// be left to their file once memory is short.
#include <chrono>
#include <cmath>
#include <random>
#include <thread>

#include "graph_fixture.hpp"
#include "harness.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kDim = 96;
// One of this many rows lies in one small place, where codes of one bit a dimension cannot
// distinguish rows.
constexpr uint32_t kRowsPerHidden = 10;

// Fails the test after a timeout, so that one test cannot block all others.
template <typename IsDone> void waitUntil(const IsDone& isDone) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  while (!isDone() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  REQUIRE(isDone());
}

struct HidingShard {
  explicit HidingShard(CodeKind code, Metric metric = Metric::L2, bool isMulti = false) : pool(2) {
    spec.vectors = {{"v", kDim, metric, 12, 80}};
    spec.vectors[0].code = code;
    spec.vectors[0].isMulti = isMulti;
    spec.segmentBytes = uint64_t(1) << 28;
    shard = std::make_unique<Shard>(spec, pool);
  }

  // The first rows lie in the small place; queries from there have them as neighbours.
  void add(uint32_t rows) {
    auto data = clusteredRows(rows, kDim, ++batches, false);
    const auto inPlace = fromThere(rows / kRowsPerHidden);
    std::copy(inPlace.begin(), inPlace.end(), data.begin());
    std::vector<uint32_t> offsets(rows + 1, 0);
    UpsertColumns columns;
    columns.ids = testIds(count, rows);
    columns.seq = batches;
    std::vector<uint32_t> having(rows), each(rows, 1);
    for (uint32_t at = 0; at < rows; at++) having[at] = at;
    columns.vectors = {{0, data.data(), having.data(), rows, each.data()}};
    columns.payloadBytes = "";
    columns.payloadOffsets = offsets.data();
    REQUIRE(shard->upsert(columns).isOk());
    count += rows;
    CHECK(waitForIndex(*shard).isOk());
  }

  std::vector<float> fromThere(uint32_t rows) {
    std::normal_distribution<float> normal;
    std::vector<float> data(size_t(rows) * kDim);
    for (float& value : data) value = 3 + 0.01f * normal(random);
    return data;
  }

  std::shared_ptr<const Calibration> calibration(uint32_t least = 1) const {
    const auto now = [&] { return shard->snapshot().segment(0).space(0).calibration(); };
    waitUntil([&] { return now()->vertices() >= least; });
    return now();
  }
  // The share that codes find at most, as far as it was measured.
  double foundByCodes(uint32_t least = 1) const {
    return calibration(least)->depths().back().recall;
  }
  bool isCold() const { return shard->snapshot().segment(0).space(0).coldVectors() != nullptr; }

  SearchResult find(const SearchRequest& request, Waiting waiting = Waiting::Allowed) const {
    SearchResult result;
    status = search(shard->snapshot(), spec.vectors, request, nullptr, result, waiting);
    return result;
  }

  std::vector<float> scoresOf(const SearchRequest& request,
                              Waiting waiting = Waiting::Allowed) const {
    const SearchResult found = find(request, waiting);
    return {found.scores.begin(), found.scores.begin() + found.rows.count};
  }

  SearchRequest asking(float recall) {
    SearchRequest request;
    request.query = fromThere(1);
    request.recall = recall;
    return request;
  }

  double recallOf(SearchRequest request) const {
    const SearchResult found = find(request);
    request.isExact = true;
    const SearchResult truth = find(request);
    double hits = 0;
    for (uint32_t at = 0; at < found.rows.count; at++)
      hits += found.scores[at] <= truth.scores[truth.rows.count - 1] ? 1 : 0;
    return hits / truth.rows.count;
  }

  ShardSpec spec;
  ThreadPool pool;
  std::unique_ptr<Shard> shard;
  std::mt19937 random{7};
  uint32_t count = 0;
  uint32_t batches = 0;
  mutable Status status = Status::ok();
};

uint32_t fewOr(uint32_t rows) { return isSlow() ? 4000 : rows; }

} // namespace

ANSWERS_TEST("live recall counts neighbours that codes hide") {
  HidingShard hiding(CodeKind::Rabitq1);
  hiding.add(fewOr(12'000));
  hiding.calibration();
  // Few stored vectors lie there, so the calibration promises this recall by codes.
  const SearchRequest asked = hiding.asking(0.8f);
  CHECK(hiding.find(asked).stats.recall < 1);
  const double got = hiding.recallOf(asked);
  CHECK_AT_LEAST(0.7, got);
  RecallMeter& meter = hiding.shard->meter(0);
  // After this many measured queries, no safe recall is planned for any more.
  constexpr size_t kSeen = RecallMeter::kShortWindow;
  for (size_t at = 0; at < kSeen; at++)
    meter.learn({asked.query, {}, asked.limit, asked.recall, at}, double(asked.recall), true);
  for (uint32_t times = 0; times < RecallMeter::kOneIn; times++) meter.note(asked);
  REQUIRE(hiding.shard->measureRecall(0, 1).isOk());
  const double sum = meter.reading().recall * double(kSeen + 1);
  const double measured = sum - double(asked.recall) * double(kSeen);
  std::printf("got %.3f, measured %.3f\n", got, measured);
  CHECK_EQUAL(meter.reading().queries, kSeen + 1);
  CHECK(std::abs(measured - got) < 1e-3);
}

ANSWERS_TEST("neighbours that codes hide are counted for cold vectors too") {
  HidingShard hiding(CodeKind::Rabitq1);
  hiding.spec.vectors[0].memory = Placement::Cold;
  hiding.shard = std::make_unique<Shard>(hiding.spec, hiding.pool);
  hiding.add(fewOr(12'000));
  const double before = hiding.foundByCodes();
  CHECK_AT_LEAST(0.99, before);
  auto written = hiding.shard->checkpoint(scratchFolder());
  REQUIRE(written.isOk());
  REQUIRE(hiding.isCold());
  // Calibrates again; the codes were compared with vectors while these were in memory.
  hiding.shard->indexer().calibrateAnew(0, std::make_shared<LiveQueries>());
  waitUntil([&] { return !hiding.shard->indexer().awaitsCalibration(0); });
  REQUIRE(hiding.isCold());
  std::printf("found: %.3f, anew %.3f\n", before, hiding.foundByCodes());
  CHECK_AT_LEAST(before + 1e-3, hiding.foundByCodes());
  CHECK_AT_LEAST(hiding.foundByCodes(), before - 0.05);

  // With twice as many vectors, codes are compared again, including vectors in the file.
  const uint32_t compared = hiding.shard->snapshot().segment(0).space(0).comparedAt();
  CHECK_EQUAL(compared, hiding.count);
  hiding.add(hiding.count);
  hiding.calibration(2 * compared);
  waitUntil([&] { return !hiding.shard->indexer().awaitsCalibration(0); });
  CHECK_EQUAL(hiding.shard->snapshot().segment(0).space(0).comparedAt(), 2 * compared);
  CHECK(hiding.isCold());
  std::printf("found among twice as many: %.3f\n", hiding.foundByCodes());
  CHECK_AT_LEAST(0.99, hiding.foundByCodes());

  // Other codes, for vectors that are cold from the beginning.
  HidingShard reopened(CodeKind::Rabitq4);
  reopened.spec.vectors[0].memory = Placement::Cold;
  reopened.spec.vectors[0].code = CodeKind::Sq8;
  auto sq8 = std::make_unique<Shard>(reopened.spec, reopened.pool);
  REQUIRE(sq8->openSegment({written->segments[0].base.path, {}, {}, {}}, true).isOk());
  CHECK(waitForIndex(*sq8).isOk());
  reopened.shard = std::move(sq8);
  REQUIRE(reopened.isCold());
  std::printf("by other codes: %.3f\n", reopened.foundByCodes());
  CHECK_AT_LEAST(reopened.foundByCodes(), before);
}

ANSWERS_TEST("an exact search of cold vectors waits for the file off the JavaScript thread") {
  HidingShard hiding(CodeKind::Sq8);
  hiding.spec.vectors[0].memory = Placement::Cold;
  hiding.shard = std::make_unique<Shard>(hiding.spec, hiding.pool);
  hiding.add(1000);
  SearchRequest exact = hiding.asking(0.95f);
  exact.isExact = true;
  const auto scores = hiding.scoresOf(exact, Waiting::Refused);
  REQUIRE(hiding.status.isOk());
  REQUIRE(hiding.shard->checkpoint(scratchFolder()).isOk());
  REQUIRE(hiding.isCold());
  hiding.find(exact, Waiting::Refused);
  CHECK_EQUAL(int(hiding.status.code()), int(Code::Cancelled));
  CHECK(hiding.scoresOf(exact) == scores);
}

ANSWERS_TEST("multivector searches that ignore codes are led by vectors, and the report says so") {
  HidingShard hiding(CodeKind::Rabitq1, Metric::L2, true);
  hiding.add(fewOr(12'000));
  hiding.calibration();
  SearchRequest request = hiding.asking(0.8f);
  // A narrow beam, so that a scan costs more.
  request.ef = 16;
  request.explains = true;
  const SearchResult byCodes = hiding.find(request);
  const double recallByCodes = hiding.recallOf(request);
  request.ignoresCodes = true;
  const SearchResult byVectors = hiding.find(request);
  REQUIRE(hiding.status.isOk());
  CHECK_EQUAL(byCodes.segments[0].strategy, std::string("rows of the nearest vectors"));
  CHECK_EQUAL(int(byCodes.segments[0].codes), int(CodeKind::Rabitq1));
  CHECK_EQUAL(byVectors.segments[0].strategy, std::string("rows of the nearest vectors"));
  CHECK_EQUAL(int(byVectors.segments[0].codes), int(CodeKind::None));
  std::printf("by codes %.3f, by vectors %.3f\n", recallByCodes, hiding.recallOf(request));
  CHECK_AT_LEAST(hiding.recallOf(request), recallByCodes);
}

ANSWERS_TEST("vectors without codes are left to their file once memory is short") {
  HidingShard hiding(CodeKind::None, Metric::L1);
  hiding.add(fewOr(8000));
  const SearchRequest asked = hiding.asking(0.95f);
  const auto before = hiding.scoresOf(asked);
  REQUIRE(hiding.shard->checkpoint(scratchFolder()).isOk());
  const auto own = [&] {
    const MemoryPart part = hiding.shard->memory().vectors[0].vectors;
    return part.resident - part.cache;
  };
  const uint64_t taken = own();
  CHECK(taken >= uint64_t(hiding.count) * kDim * sizeof(float));
  CHECK(hiding.scoresOf(asked, Waiting::Refused) == before);
  REQUIRE(hiding.shard->shed(false).isOk());
  std::printf("own: %.1f MB, %.1f after\n", double(taken) / 1e6, double(own()) / 1e6);
  CHECK(own() < taken / 10);
  CHECK(hiding.scoresOf(asked) == before);
  // A caller that must not wait gets CANCELLED.
  hiding.find(asked, Waiting::Refused);
  CHECK_EQUAL(int(hiding.status.code()), int(Code::Cancelled));
  // Later vectors are in memory until the next file.
  hiding.add(2000);
  CHECK_EQUAL(hiding.find(hiding.asking(0.95f)).rows.count, 10u);
  REQUIRE(hiding.shard->checkpoint(scratchFolder()).isOk());
  REQUIRE(hiding.shard->shed(false).isOk());
  CHECK(own() < taken / 10);
  CHECK(hiding.recallOf(hiding.asking(1)) == 1);
}
