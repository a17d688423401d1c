// A thread keeps memory between its operations. Whichever allocation of its first operation is
// refused, its next ones answer as if nothing had happened.
#include <functional>
#include <thread>

#include "graph_fixture.hpp"
#include "harness.hpp"
#include "refusals.hpp"
#include "search/sparse_search.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kPoints = 3000;
constexpr uint32_t kWords = 40;
// No operation here makes this many requests.
constexpr uint64_t kMostRequests = 2000;

// Runs `first` in a new thread with one request refused, and then `second` in the same thread; and
// again for each next request. `first` may fail, and `second` must not.
void refuseEach(const std::function<Status()>& first, const std::function<void()>& second) {
  uint64_t nth = 1;
  for (bool wasRefused = true; wasRefused && nth < kMostRequests; nth++)
    std::thread([&] {
      {
        const Refusals refusals = Refusals::one(Wanted::Memory, nth);
        (void)attempt(first);
        wasRefused = refusals.count() > 0;
      }
      second();
    }).join();
  CHECK(nth > 2 && nth < kMostRequests);
}

void fill(Shard& shard) {
  TestBatch batch(0, kPoints, 1);
  std::vector<uint32_t> indices;
  std::vector<float> values;
  std::vector<uint32_t> offsets{0};
  for (uint32_t row = 0; row < kPoints; row++) {
    for (const uint32_t word : {row % kWords, kWords + row * 7 % kWords}) {
      indices.push_back(word);
      values.push_back(float(1 + row % 97));
    }
    offsets.push_back(uint32_t(indices.size()));
  }
  batch.columns.sparse = {{0, indices.data(), values.data(), offsets.data(), nullptr, kPoints}};
  REQUIRE(shard.upsert(batch.columns).isOk());
  REQUIRE(waitForIndex(shard).isOk());
}

SparseRequest wordsOf(uint32_t first, float weight) {
  SparseRequest request;
  request.indices = {first, kWords + first * 3 % kWords};
  request.values = {weight, 2 * weight};
  request.limit = 10;
  return request;
}

std::string answerOf(const Shard& shard, const SearchRequest& request) {
  return answer(shard, request);
}

std::string answerOf(const Shard& shard, const SparseRequest& request) {
  SearchResult result;
  const Status status =
      searchSparse(shard.snapshot(), shard.spec().vectors, request, nullptr, result);
  if (!status) return status.message();
  std::string text;
  for (uint32_t at = 0; at < result.rows.count; at++)
    text += " " + std::to_string(result.rows.ids[at * kIdWords + 1]) + ":" +
            std::to_string(result.scores[at]);
  return text;
}

template <typename Request>
void checkAnswers(const Shard& shard, const Request& first, const Request& second) {
  const std::string wanted = answerOf(shard, second);
  refuseEach(
      [&] {
        (void)answerOf(shard, first);
        return Status::ok();
      },
      [&] { CHECK_EQUAL(answerOf(shard, second), wanted); });
}

} // namespace

ANSWERS_TEST("a thread whose search was refused memory answers the next one rightly") {
  ThreadPool pool(2);
  ShardSpec spec = testSpec();
  spec.sparse = {{"words", Placement::Cached}};
  Shard shard(spec, pool);
  fill(shard);
  checkAnswers(shard, testSearch(1), testSearch(2));
  SearchRequest exact = testSearch(3);
  exact.isExact = true;
  checkAnswers(shard, exact, testSearch(4));
  // Positive weights bound the sums, and negative ones do not.
  for (const float first : {5.0f, -5.0f})
    for (const float second : {1.0f, -1.0f})
      checkAnswers(shard, wordsOf(3, first), wordsOf(4, second));
}

ANSWERS_TEST("a thread whose insert was refused memory repeats it, and the graph is whole") {
  constexpr uint32_t kRows = 120;
  constexpr size_t kDim = 8;
  const std::vector<float> data = clusteredRows(kRows, kDim, 7, false);
  for (const Lead lead : {Lead::Floats, Lead::Codes}) {
    std::optional<GraphFixture> fixture;
    uint32_t next = 0;
    refuseEach(
        [&] {
          fixture.emplace(Metric::L2, kDim, kRows, GraphConfig{4, 20}, lead);
          fixture->addRows(data);
          for (next = 0; next < kRows; next++) fixture->graph->insert(next);
          return Status::ok();
        },
        [&] {
          // Refused before there was a graph.
          if (!fixture || fixture->graph->prepared() < kRows) return;
          for (; next < kRows; next++) fixture->graph->insert(next);
          fixture->checkValid();
        });
  }
}
