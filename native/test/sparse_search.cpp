#include <algorithm>
#include <cstring>
#include <map>

#include "filter_fixture.hpp"
#include "harness.hpp"
#include "program_bytes.hpp"
#include "score_fixture.hpp"
#include "search/scroll.hpp"
#include "search/sparse_search.hpp"
#include "shard/shard.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

using Entries = std::map<uint32_t, float>;

ShardSpec sparseSpec() {
  ShardSpec spec;
  spec.vectors = {{"dense", 2, Metric::Dot, 4, 20}};
  spec.sparse = {{"words", Placement::Cached}, {"other", Placement::Cached}};
  spec.segmentBytes = uint64_t(1) << 28;
  return spec;
}

// A few indices are in many vectors, most in few.
Entries randomEntries(std::mt19937& random, uint32_t most, bool hasNegatives) {
  std::uniform_real_distribution<float> uniform(0, 1);
  Entries entries;
  const uint32_t count = random() % (most + 1);
  for (uint32_t i = 0; i < count; i++) {
    const double skewed = std::pow(uniform(random), 4);
    const auto index = static_cast<uint32_t>(skewed * 3000) * 1'000'003u;
    const float value = uniform(random) * (random() % 50 == 0 ? 20 : 1);
    entries[index] = hasNegatives && random() % 3 == 0 ? -value : value;
  }
  return entries;
}

struct SparseBatch {
  UpsertColumns columns;
  std::vector<uint32_t> indices;
  std::vector<float> values;
  std::vector<uint32_t> offsets{0};
  std::vector<uint32_t> rows;
  std::string texts;
  std::vector<uint32_t> textOffsets{0};

  void add(uint64_t id, const Entries* entries) {
    const auto row = static_cast<uint32_t>(columns.ids.size());
    columns.ids.push_back(PointId::number(id));
    texts += "{\"n\":" + std::to_string(id % 10) + "}";
    textOffsets.push_back(static_cast<uint32_t>(texts.size()));
    if (entries == nullptr) return;
    rows.push_back(row);
    for (const auto& [index, value] : *entries) {
      indices.push_back(index);
      values.push_back(value);
    }
    offsets.push_back(static_cast<uint32_t>(indices.size()));
  }

  const UpsertColumns& finish(uint64_t seq) {
    columns.seq = seq;
    columns.sparse = {{0, indices.data(), values.data(), offsets.data(), rows.data(),
                       static_cast<uint32_t>(rows.size())}};
    columns.payloadBytes = texts.data();
    columns.payloadOffsets = textOffsets.data();
    return columns;
  }
};

// The contents of the shard, and the answers that it must give.
struct Model {
  std::map<uint64_t, Entries> vectors;

  // The weighed value of a query's index. The corpus, like the filter, is the ids that end in 3.
  float weigh(const SparseRequest& request, uint32_t index, float value) const {
    if (!request.hasIdf) return value;
    double n = 0, have = 0;
    for (const auto& [id, entries] : vectors) {
      if (request.corpus && id % 10 != 3) continue;
      n++;
      have += entries.contains(index) ? 1 : 0;
    }
    return value * static_cast<float>(std::log(1 + (n - have + 0.5) / (have + 0.5)));
  }

  // The best by examples. Double-precision scores need a tolerance, so `best` cannot be used.
  std::vector<std::pair<float, uint64_t>> bestByExamples(const SparseRequest& request) const {
    const SparseExamples& examples = *request.examples;
    std::vector<float> weights;
    for (size_t i = 0; i < examples.indices.size(); i++)
      weights.push_back(weigh(request, examples.indices[i], examples.values[i]));
    std::vector<std::pair<float, uint64_t>> hits;
    for (const auto& [id, entries] : vectors) {
      if (request.filter && id % 10 != 3) continue;
      std::vector<double> to;
      for (uint32_t at = 0; at < examples.count; at++) {
        double sum = 0;
        for (uint32_t i = examples.offsets[at]; i < examples.offsets[at + 1]; i++) {
          const auto found = entries.find(examples.indices[i]);
          if (found != entries.end()) sum += double(weights[i]) * found->second;
        }
        to.push_back(static_cast<float>(sum));
      }
      const auto score = static_cast<float>(combinedScore(examples, to));
      if (!request.hasThreshold || score >= request.threshold) hits.emplace_back(score, id);
    }
    std::sort(hits.begin(), hits.end(), [](const auto& a, const auto& b) {
      return a.first > b.first || (a.first == b.first && a.second < b.second);
    });
    return hits;
  }

  std::vector<std::pair<float, uint64_t>> best(const SparseRequest& request) const {
    std::vector<float> weights;
    for (size_t at = 0; at < request.indices.size(); at++)
      weights.push_back(weigh(request, request.indices[at], request.values[at]));
    std::vector<std::pair<float, uint64_t>> hits;
    for (const auto& [id, entries] : vectors) {
      double sum = 0;
      bool isShared = false;
      for (size_t at = 0; at < request.indices.size(); at++) {
        const auto found = entries.find(request.indices[at]);
        if (found == entries.end()) continue;
        sum += double(weights[at]) * found->second;
        isShared = true;
      }
      const auto score = static_cast<float>(sum);
      if (!isShared || (request.hasThreshold && score < request.threshold)) continue;
      if (request.filter && id % 10 != 3) continue;
      hits.emplace_back(score, id);
    }
    std::sort(hits.begin(), hits.end(), [](const auto& a, const auto& b) {
      return a.first > b.first || (a.first == b.first && a.second < b.second);
    });
    hits.resize(std::min<size_t>(hits.size(), request.offset + request.limit));
    hits.erase(hits.begin(), hits.begin() + std::min<size_t>(hits.size(), request.offset));
    return hits;
  }
};

std::string textOf(const std::vector<std::pair<float, uint64_t>>& hits) {
  std::string text;
  for (const auto& [score, id] : hits)
    text += std::to_string(id) + ":" + std::to_string(score) + " ";
  return text;
}

std::string answerOf(const Shard& shard, const SparseRequest& request) {
  SearchResult result;
  const Status status =
      searchSparse(shard.snapshot(), shard.spec().vectors, request, nullptr, result);
  if (!status) return status.message();
  std::vector<std::pair<float, uint64_t>> hits;
  for (uint32_t at = 0; at < result.rows.count; at++)
    hits.emplace_back(result.scores[at], result.rows.ids[at * kIdWords + 1]);
  return textOf(hits);
}

SparseRequest randomRequest(std::mt19937& random, bool hasNegatives) {
  SparseRequest request;
  for (const auto& [index, value] : randomEntries(random, 12, hasNegatives)) {
    request.indices.push_back(index);
    request.values.push_back(value);
  }
  request.limit = 1 + random() % 20;
  request.offset = random() % 3 == 0 ? random() % 5 : 0;
  request.hasIdf = random() % 2 == 0;
  if (random() % 4 == 0) {
    request.hasThreshold = true;
    request.threshold = 0.3f;
  }
  return request;
}

void upsertRandom(Shard& shard, Model& model, std::mt19937& random, uint32_t count, uint32_t ids,
                  uint64_t seq, bool hasNegatives) {
  SparseBatch batch;
  std::map<uint64_t, bool> given;
  for (uint32_t i = 0; i < count; i++) {
    const uint64_t id = random() % ids;
    if (given[id]) continue;
    given[id] = true;
    const Entries entries = randomEntries(random, 20, hasNegatives);
    const bool has = random() % 10 != 0;
    batch.add(id, has ? &entries : nullptr);
    model.vectors.erase(id);
    if (has) model.vectors[id] = entries;
  }
  CHECK(shard.upsert(batch.finish(seq)).isOk());
}

// A filter on the payload.
std::vector<uint8_t> idsEndingIn3() {
  Bytes program;
  program.op(FilterOp::Match).put<uint8_t>(1).put<uint8_t>(0).text("n");
  return program.put<uint32_t>(0).put<uint32_t>(1).put<int64_t>(3).put<uint8_t>(0).bytes;
}

// Every kind in turn; some examples share no index with any row.
SparseRequest randomByExamples(std::mt19937& random, int round) {
  using Combine = Combination::Combine;
  static constexpr Combine kCombines[] = {Combine::BestScore, Combine::SumScores, Combine::Discover,
                                          Combine::Context, Combine::Feedback};
  SparseExamples examples;
  examples.combine = kCombines[round % 5];
  const bool isOdd = examples.combine == Combine::Discover;
  examples.count = isOdd ? 1 + 2 * (random() % 3) : 2 * (1 + random() % 3);
  if (round % 5 < 2) examples.positives = random() % (examples.count + 1);
  for (uint32_t at = 0; at < examples.count; at++)
    examples.weights.push_back(float(random() % 100) / 50 - 0.5f);
  examples.offsets.push_back(0);
  for (uint32_t at = 0; at < examples.count; at++) {
    for (const auto& [index, value] : randomEntries(random, 10, round % 2 == 0)) {
      examples.indices.push_back(round % 7 == 0 ? index + 1 : index);
      examples.values.push_back(value);
    }
    examples.offsets.push_back(uint32_t(examples.indices.size()));
  }
  SparseRequest request;
  request.examples = examples;
  request.limit = 1 + random() % 40;
  request.offset = random() % 3 == 0 ? random() % 5 : 0;
  request.hasIdf = random() % 3 == 0;
  if (random() % 4 == 0) {
    request.hasThreshold = true;
    request.threshold = 0.1f;
  }
  if (random() % 3 == 0) request.filter = idsEndingIn3();
  return request;
}

void checkAnswers(const Shard& shard, const Model& model, std::mt19937& random, int rounds,
                  bool hasNegatives) {
  for (int round = 0; round < rounds; round++) {
    SparseRequest request = randomRequest(random, hasNegatives);
    CHECK_EQUAL(answerOf(shard, request), textOf(model.best(request)));
  }
}

} // namespace

TEST("sparse search gives the results of a full scan after every kind of write") {
  ThreadPool pool(2);
  for (const bool hasNegatives : {false, true}) {
    std::mt19937 random(hasNegatives ? 5 : 6);
    Shard shard(sparseSpec(), pool);
    Model model;
    const int rounds = isSlow() ? 12 : 30;
    for (int round = 1; round <= rounds; round++) {
      const auto seq = static_cast<uint64_t>(round * 2);
      upsertRandom(shard, model, random, 700, 15000, seq, hasNegatives);
      std::vector<PointId> dead;
      for (int i = 0; i < 100; i++) {
        const uint64_t id = random() % 15000;
        dead.push_back(PointId::number(id));
        if (i % 2 == 0) model.vectors.erase(id);
      }
      std::vector<PointId> whole;
      std::vector<PointId> vectorOnly;
      for (size_t i = 0; i < dead.size(); i++) (i % 2 == 0 ? whole : vectorOnly).push_back(dead[i]);
      CHECK(shard.deletePoints(whole, seq + 1).isOk());
      for (const PointId& id : vectorOnly) model.vectors.erase(id.low);
      CHECK(shard.deleteVectors(vectorOnly, {1}, seq + 1).isOk());
      if (round % 7 == 0) shard.freeze();
      if (round % 5 == 0) CHECK(waitForIndex(shard).isOk());
      checkAnswers(shard, model, random, 20, hasNegatives);
    }
  }
}

TEST("IDF in a corpus counts only vectors of rows that match it") {
  ThreadPool pool(2);
  std::mt19937 random(12);
  Shard shard(sparseSpec(), pool);
  Model model;
  for (uint64_t seq = 1; seq <= 5; seq++) {
    upsertRandom(shard, model, random, 700, 3000, seq, false);
    if (seq == 3) shard.freeze();
    if (seq == 4) CHECK(waitForIndex(shard).isOk());
    for (int round = 0; round < 20; round++) {
      SparseRequest request = randomRequest(random, false);
      request.hasIdf = true;
      request.corpus = idsEndingIn3();
      if (round % 2 == 0) request.filter = request.corpus;
      CHECK_EQUAL(answerOf(shard, request), textOf(model.best(request)));
    }
  }
}

TEST("sparse scores by several examples follow their definitions, for all rows") {
  ThreadPool pool(2);
  std::mt19937 random(13);
  Shard shard(sparseSpec(), pool);
  Model model;
  for (uint64_t seq = 1; seq <= 6; seq++) {
    upsertRandom(shard, model, random, 600, 2500, seq, seq % 2 == 0);
    if (seq == 3) shard.freeze();
    if (seq >= 4) CHECK(waitForIndex(shard).isOk());
    for (int round = 0; round < 25; round++) {
      const SparseRequest request = randomByExamples(random, round);
      const auto expected = model.bestByExamples(request);
      SearchResult found;
      REQUIRE(searchSparse(shard.snapshot(), shard.spec().vectors, request, nullptr, found).isOk());
      const size_t skipped = std::min<size_t>(expected.size(), request.offset);
      REQUIRE(found.rows.count == std::min<size_t>(expected.size() - skipped, request.limit));
      std::map<uint64_t, float> scores;
      for (const auto& [score, id] : expected) scores[id] = score;
      for (uint32_t at = 0; at < found.rows.count; at++) {
        const float score = expected[skipped + at].first;
        CHECK(std::fabs(found.scores[at] - score) <= 2e-5f * (1 + std::fabs(score)));
        const auto own = scores.find(found.rows.ids[at * kIdWords + 1]);
        REQUIRE(own != scores.end());
        CHECK(std::fabs(own->second - found.scores[at]) <= 2e-5f * (1 + std::fabs(score)));
      }
    }
  }
}

ANSWERS_TEST("scores whose partial sums overflow are not lost") {
  ThreadPool pool(2);
  Shard shard(sparseSpec(), pool);
  SparseBatch batch;
  const Entries far{{1, -3e38f}, {2, -3e38f}, {3, 3e38f}, {4, 3e38f}, {5, 1}};
  const Entries near{{5, 0.5f}};
  for (uint64_t id = 0; id < 3000; id++) batch.add(id, id == 2000 ? &far : &near);
  CHECK(shard.upsert(batch.finish(1)).isOk());
  CHECK(waitForIndex(shard).isOk());
  SparseRequest request;
  request.indices = {1, 2, 3, 4, 5};
  request.values = {1, 1, 1, 1, 1};
  request.limit = 2;
  CHECK_EQUAL(answerOf(shard, request), textOf({{1.0f, 2000}, {0.5f, 0}}));
  request.values = {3e38f, 3e38f, 3e38f, 3e38f, 1};
  CHECK_EQUAL(answerOf(shard, request), textOf({{1.0f, 2000}, {0.5f, 0}}));
}

TEST("waiting for the index includes postings, and a file takes them over") {
  ThreadPool pool(2);
  std::mt19937 random(14);
  ShardSpec spec = sparseSpec();
  spec.sparse[0].memory = Placement::Cold;
  Shard shard(spec, pool);
  Model model;
  for (uint64_t seq = 1; seq <= 8; seq++)
    upsertRandom(shard, model, random, 2000, 9000, seq, false);
  CHECK(waitForIndex(shard).isOk());
  const Snapshot before = shard.snapshot();
  const SparseSpace& space = before.segment(0).sparse(0);
  CHECK(!space.isExtensionDue(before.rows(0)));
  REQUIRE(shard.checkpoint(scratchFolder()).isOk());
  REQUIRE(shard.shed(true).isOk());
  REQUIRE(space.runs()->size() == 1);
  const void* const filed = space.runs()->front()->data();
  // More rows, and a checkpoint of fewer rows than are indexed: the file's run is used, with the
  // others beside it.
  for (uint64_t seq = 9; seq <= 12; seq++)
    upsertRandom(shard, model, random, 2000, 9000, seq, false);
  CHECK(waitForIndex(shard).isOk());
  const auto runs = space.runs();
  REQUIRE(runs->size() >= 2);
  CHECK(runs->front()->data() == filed);
  checkAnswers(shard, model, random, 30, false);
}

ANSWERS_TEST("sparse search is exact over one run of many windows, with nothing deleted") {
  ThreadPool pool(2);
  for (const bool hasNegatives : {false, true}) {
    std::mt19937 random(hasNegatives ? 11 : 12);
    Shard shard(sparseSpec(), pool);
    Model model;
    const uint32_t points = isSlow() ? 12'000 : 40'000;
    SparseBatch batch;
    for (uint32_t id = 0; id < points; id++) {
      const Entries entries = randomEntries(random, 20, hasNegatives);
      batch.add(id, &entries);
      model.vectors[id] = entries;
    }
    REQUIRE(shard.upsert(batch.finish(1)).isOk());
    CHECK(waitForIndex(shard).isOk());
    checkAnswers(shard, model, random, 40, hasNegatives);
  }
}

TEST("an opened segment has the sparse vectors and postings it was written with, and goes on") {
  ThreadPool pool(2);
  std::mt19937 random(8);
  Shard shard(sparseSpec(), pool);
  Model model;
  upsertRandom(shard, model, random, 6000, 9000, 1, false);
  upsertRandom(shard, model, random, 2000, 9000, 2, false);
  auto written = shard.checkpoint(scratchFolder());
  REQUIRE(written.isOk());
  Shard again(sparseSpec(), pool);
  const auto& base = written->segments[0].base;
  REQUIRE(again.openSegment({base.path, base.crc, {}, {}}, true).isOk());
  checkAnswers(again, model, random, 50, false);
  REQUIRE(again.shed(true).isOk());
  REQUIRE(shard.shed(true).isOk());
  checkAnswers(shard, model, random, 20, false);
  upsertRandom(again, model, random, 4000, 9000, 3, false);
  CHECK(waitForIndex(again).isOk());
  checkAnswers(again, model, random, 50, false);
  const int64_t frozen = again.freeze();
  REQUIRE(frozen >= 0);
  while (true) {
    auto left = again.moveRows(static_cast<uint32_t>(frozen), 1000);
    REQUIRE(left.isOk());
    if (*left == 0) break;
  }
  REQUIRE(again.dropSegment(static_cast<uint32_t>(frozen)).isOk());
  checkAnswers(again, model, random, 50, false);
}

ANSWERS_TEST("rows with sparse vectors go into the table and back, and any changed bit is told") {
  ThreadPool pool(2);
  std::mt19937 random(9);
  Shard shard(sparseSpec(), pool);
  Model model;
  upsertRandom(shard, model, random, 500, 900, 1, true);
  TableRows rows;
  REQUIRE(shard.takeFlush(uint64_t(1) << 30, rows).isOk());
  TableView view;
  view.count = rows.count;
  view.idBytes = rows.idBytes.data();
  view.idOffsets = rows.idOffsets.data();
  view.seqs = rows.seqs.data();
  view.deleted = rows.deleted.data();
  view.crcs = rows.crcs.data();
  view.payloadBytes = rows.payloadBytes.data();
  view.payloadOffsets = rows.payloadOffsets.data();
  for (auto& column : rows.vectors)
    view.vectors.push_back({column.data.data(), column.counts.data()});
  for (auto& column : rows.sparse)
    view.sparse.push_back(
        {column.indices.data(), column.values.data(), column.offsets.data(), column.counts.data()});
  CHECK_EQUAL(shard.verifyRows(view), int64_t(-1));
  Shard again(sparseSpec(), pool);
  REQUIRE(again.loadRows(view).isOk());
  checkAnswers(again, model, random, 50, true);
  rows.sparse[0].indices[rows.sparse[0].indices.size() / 2] ^= 4;
  CHECK(shard.verifyRows(view) >= 0);
  rows.sparse[0].indices[rows.sparse[0].indices.size() / 2] ^= 4;
  uint32_t bits = 0;
  std::memcpy(&bits, &rows.sparse[0].values[3], sizeof bits);
  bits ^= 1;
  std::memcpy(&rows.sparse[0].values[3], &bits, sizeof bits);
  CHECK(shard.verifyRows(view) >= 0);
}
