#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "harness.hpp"
#include "shard/fusion_run.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kDim = 6;
constexpr uint32_t kWords = 300;

ShardSpec fusedSpec() {
  ShardSpec spec;
  spec.vectors = {{"dense", kDim, Metric::L2, 8, 40}};
  spec.sparse = {{"words", Placement::Cached}};
  spec.segmentBytes = uint64_t(1) << 28;
  return spec;
}

// Points with both vectors; the payload names the operation.
struct FusedBatch {
  UpsertColumns columns;
  std::vector<float> dense;
  std::vector<uint32_t> rows;
  std::vector<uint32_t> indices;
  std::vector<float> values;
  std::vector<uint32_t> offsets{0};
  std::string texts;
  std::vector<uint32_t> textOffsets{0};

  FusedBatch(uint64_t from, uint32_t count, uint64_t seq) {
    std::mt19937 random(static_cast<uint32_t>(from * 7 + seq));
    std::uniform_real_distribution<float> uniform(0, 1);
    for (uint32_t at = 0; at < count; at++) {
      columns.ids.push_back(PointId::number(from + at));
      rows.push_back(at);
      for (uint32_t i = 0; i < kDim; i++) dense.push_back(uniform(random));
      std::map<uint32_t, float> words;
      for (uint32_t i = random() % 8; i > 0; i--)
        words[static_cast<uint32_t>(std::pow(uniform(random), 3) * kWords)] =
            0.5f + uniform(random);
      for (const auto& [index, value] : words) {
        indices.push_back(index);
        values.push_back(value);
      }
      offsets.push_back(static_cast<uint32_t>(indices.size()));
      texts += "{\"seq\":" + std::to_string(seq) + "}";
      textOffsets.push_back(static_cast<uint32_t>(texts.size()));
    }
    columns.seq = seq;
    columns.vectors = {{0, dense.data(), nullptr, count}};
    columns.sparse = {{0, indices.data(), values.data(), offsets.data(), rows.data(), count}};
    columns.payloadBytes = texts.data();
    columns.payloadOffsets = textOffsets.data();
  }
};

SearchRequest randomDense(std::mt19937& random) {
  std::uniform_real_distribution<float> uniform(0, 1);
  SearchRequest request;
  for (uint32_t i = 0; i < kDim; i++) request.query.push_back(uniform(random));
  request.isExact = true;
  request.limit = 1 + random() % 30;
  return request;
}

SparseRequest randomSparse(std::mt19937& random) {
  SparseRequest request;
  for (uint32_t index = random() % 40; index < kWords; index += 1 + random() % 90) {
    request.indices.push_back(index);
    request.values.push_back(1);
  }
  request.hasIdf = true;
  request.limit = 1 + random() % 30;
  return request;
}

std::shared_ptr<FusedSearch> randomFusion(std::mt19937& random, size_t parts) {
  auto fusion = std::make_shared<FusedSearch>();
  FusionRequest& request = fusion->request;
  for (size_t at = 0; at < parts; at++) {
    AnySearch& part = fusion->parts.emplace_back();
    if (random() % 2 == 0)
      part.emplace<SparseSearch>().request = randomSparse(random);
    else
      std::get<DenseSearch>(part).request = randomDense(random);
  }
  request.isByScores = random() % 2 == 0;
  request.k = 1 + random() % 60;
  if (random() % 2 == 0)
    for (size_t at = 0; at < parts; at++) request.weights.push_back(double(random() % 4) / 2);
  request.limit = 1 + random() % 25;
  request.offset = random() % 3 == 0 ? random() % 6 : 0;
  if (random() % 4 == 0) request.threshold = 0.4137;
  request.fields.payload = true;
  return fusion;
}

// The ranking of a single search: ids and scores.
std::vector<std::pair<uint64_t, float>> rankingOf(const Shard& shard, const AnySearch& part) {
  SearchResult result;
  const Snapshot snapshot = shard.snapshot();
  const auto& specs = shard.spec().vectors;
  const Status status =
      part.index() == 0
          ? search(snapshot, specs, std::get<DenseSearch>(part).request, nullptr, result)
          : searchSparse(snapshot, specs, std::get<SparseSearch>(part).request, nullptr, result);
  CHECK(status.isOk());
  std::vector<std::pair<uint64_t, float>> ranking;
  for (uint32_t at = 0; at < result.rows.count; at++)
    ranking.emplace_back(result.rows.ids[at * kIdWords + 1], result.scores[at]);
  return ranking;
}

// The scores of all ranked points, from the definitions in double precision.
std::map<uint64_t, double> expectedScores(const Shard& shard, const FusedSearch& fusion) {
  const FusionRequest& request = fusion.request;
  std::map<uint64_t, double> scores;
  for (size_t at = 0; at < fusion.parts.size(); at++) {
    const auto ranking = rankingOf(shard, fusion.parts[at]);
    const double weight = request.weights.empty() ? 1 : request.weights[at];
    double mean = 0, squares = 0;
    for (const auto& [id, score] : ranking) mean += double(score) / double(ranking.size());
    for (const auto& [id, score] : ranking) squares += (score - mean) * (score - mean);
    const double deviation = std::sqrt(squares / std::max(1.0, double(ranking.size()) - 1));
    for (size_t place = 0; place < ranking.size(); place++) {
      double& score = scores[ranking[place].first];
      if (!request.isByScores)
        score += weight > 0 ? 1 / (double(place + 1) / weight + request.k - 1) : 0;
      else if (ranking.size() < 2 || deviation == 0)
        score += 0.5;
      else
        score += (ranking[place].second - mean + 3 * deviation) / (6 * deviation);
    }
  }
  return scores;
}

void checkAnswer(const Shard& shard, const FusedSearch& fusion) {
  const FusionRequest& request = fusion.request;
  const auto expected = expectedScores(shard, fusion);
  std::vector<double> ranked;
  for (const auto& [id, score] : expected)
    if (score >= request.threshold) ranked.push_back(score);
  std::sort(ranked.begin(), ranked.end(), std::greater<>());
  const size_t skipped = std::min<size_t>(ranked.size(), request.offset);
  const size_t due = std::min<size_t>(ranked.size() - skipped, request.limit);
  const SearchResult& found = fusion.result;
  REQUIRE(found.rows.count == due);
  CHECK(found.rows.hasPayloads);
  std::map<uint64_t, bool> seen;
  for (uint32_t at = 0; at < due; at++) {
    const uint64_t id = found.rows.ids[at * kIdWords + 1];
    CHECK(!seen[id]);
    seen[id] = true;
    const auto own = expected.find(id);
    REQUIRE(own != expected.end());
    CHECK(std::fabs(own->second - double(found.scores[at])) < 1e-4);
    CHECK(std::fabs(ranked[skipped + at] - double(found.scores[at])) < 1e-4);
  }
}

// Waits for the end; how often it is told is counted.
Status onPool(const std::shared_ptr<FusedSearch>& fusion, const std::shared_ptr<Shard>& shard,
              ThreadPool& pool, const std::shared_ptr<CancelFlag>& cancel) {
  std::mutex mutex;
  std::condition_variable ended;
  std::optional<Status> outcome;
  startFused(fusion, shard, shard->snapshot(), pool, cancel, [&](Status status) {
    std::lock_guard lock(mutex);
    CHECK(!outcome);
    outcome = std::move(status);
    ended.notify_all();
  });
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return outcome.has_value(); });
  return *outcome;
}

} // namespace

TEST("a fusion fuses the rankings of its searches, on the calling thread and on the pool") {
  ThreadPool pool(3);
  const auto shard = std::make_shared<Shard>(fusedSpec(), pool);
  for (uint64_t seq = 1; seq <= 4; seq++) {
    const FusedBatch batch((seq - 1) * 600, 900, seq);
    REQUIRE(shard->upsert(batch.columns).isOk());
    if (seq == 2) shard->freeze();
  }
  REQUIRE(shard->deletePoints(testIds(500, 100), 5).isOk());
  std::mt19937 random(21);
  const auto cancel = std::make_shared<CancelFlag>();
  for (int round = 0; round < 60; round++) {
    const auto fusion = randomFusion(random, 1 + random() % 4);
    REQUIRE(fusion->run(*shard, shard->snapshot(), nullptr, Waiting::Allowed).isOk());
    checkAnswer(*shard, *fusion);
    REQUIRE(onPool(fusion, shard, pool, cancel).isOk());
    checkAnswer(*shard, *fusion);
  }
}

TEST("a fusion that is cancelled ends once, with that, on however many threads it runs") {
  ThreadPool pool(3);
  const auto shard = std::make_shared<Shard>(fusedSpec(), pool);
  const FusedBatch batch(0, 3000, 1);
  REQUIRE(shard->upsert(batch.columns).isOk());
  std::mt19937 random(22);
  for (int round = 0; round < 20; round++) {
    const auto cancel = std::make_shared<CancelFlag>();
    cancel->cancel();
    const auto fusion = randomFusion(random, 6);
    for (AnySearch& part : fusion->parts)
      if (auto* sparse = std::get_if<SparseSearch>(&part); sparse && round % 2 == 0)
        sparse->request.indices.clear(), sparse->request.values.clear();
    CHECK(onPool(fusion, shard, pool, cancel).code() == Code::Cancelled);
    CHECK(fusion->run(*shard, shard->snapshot(), cancel.get(), Waiting::Allowed).code() ==
          Code::Cancelled);
  }
}

TEST("to fuse rankings ends soon after the flag is set, and so does to read the page") {
  ThreadPool pool(1);
  Shard shard(fusedSpec(), pool);
  const FusedBatch batch(0, 1000, 1);
  REQUIRE(shard.upsert(batch.columns).isOk());
  const Snapshot snapshot = shard.snapshot();
  Ranking ranking;
  for (uint32_t at = 0; at < 20'000; at++)
    ranking.push_back({float(at), {&snapshot.segment(0), at % 1000}, PointId::number(at)});
  FusionRequest request;
  request.limit = 1000;
  request.fields.payload = true;
  CancelFlag cancel;
  WorkMeter goesOn(&cancel);
  SearchResult result;
  const auto read = [&](WorkMeter& work, const Ranking& page) {
    return readFused(snapshot, shard.spec().vectors, request, page, result, Waiting::Allowed, work);
  };
  const Ranking page = fuse({&ranking, &ranking}, request, goesOn);
  REQUIRE(goesOn.status().isOk() && page.size() == 1000);
  REQUIRE(read(goesOn, page).isOk());
  cancel.cancel();
  WorkMeter fuses(&cancel);
  // All of it is fewer than twenty looks.
  fuse({&ranking, &ranking}, request, fuses);
  CHECK(fuses.isStopped());
  WorkMeter sorts(&cancel);
  // Few enough to be added up before the first look.
  ranking.resize(12'000);
  fuse({&ranking}, request, sorts);
  CHECK(sorts.isStopped());
  WorkMeter reads(&cancel);
  CHECK(read(reads, page).code() == Code::Cancelled);
}

TEST("fusions that run while points are written see each of them once, as one of its versions") {
  ThreadPool pool(3);
  const auto shard = std::make_shared<Shard>(fusedSpec(), pool);
  const FusedBatch first(0, 1500, 1);
  REQUIRE(shard->upsert(first.columns).isOk());
  std::atomic<bool> isOver{false};
  std::thread writer([&] {
    for (uint64_t seq = 2; seq < (isSlow() ? 25 : 80); seq++) {
      const FusedBatch batch(seq * 40 % 1500, 200, seq);
      CHECK(shard->upsert(batch.columns).isOk());
      CHECK(shard->deletePoints(testIds(seq * 31 % 1500, 10), seq).isOk());
    }
    isOver = true;
  });
  std::mt19937 random(23);
  const auto cancel = std::make_shared<CancelFlag>();
  while (!isOver.load()) {
    const auto fusion = randomFusion(random, 3);
    fusion->request.threshold = -INFINITY;
    CHECK(onPool(fusion, shard, pool, cancel).isOk());
    const RowBlock& rows = fusion->result.rows;
    std::map<uint64_t, bool> seen;
    for (uint32_t at = 0; at < rows.count; at++) {
      const uint64_t id = rows.ids[at * kIdWords + 1];
      CHECK(!seen[id]);
      seen[id] = true;
      const std::string text(rows.payloadBytes.data() + rows.payloadOffsets[at],
                             rows.payloadOffsets[at + 1] - rows.payloadOffsets[at]);
      CHECK_EQUAL(text, "{\"seq\":" + std::to_string(uint64_t(rows.seqs[at])) + "}");
    }
  }
  writer.join();
}
