// Walks over postings count their work, so a cancelled one ends early.
#include "harness.hpp"
#include "search/example_walk.hpp"
#include "search/posting_walk.hpp"

using namespace vicinal;

namespace {

constexpr uint32_t kRows = 200'000;
constexpr uint32_t kIndices = 8;

// Every row has the same indices, so a walk adds up more postings than lie between two looks at the
// flag.
struct DenseRun {
  DenseRun() {
    for (uint32_t index = 0; index < kIndices; index++) {
      indices.push_back(index);
      values.push_back(1);
    }
    auto built = PostingRun::build(0, kRows, [&](uint32_t) { return vector(); });
    CHECK(bool(built));
    run = built.take();
    cancelled.cancel();
  }

  SparseVector vector() const { return {indices.data(), values.data(), kIndices}; }

  std::vector<uint32_t> indices;
  std::vector<float> values;
  std::shared_ptr<const PostingRun> run;
  CancelFlag cancelled;
};

} // namespace

SOLO_TEST("a walk by several examples stops when it is cancelled") {
  const DenseRun dense;
  SparseExamples examples;
  examples.count = 2;
  examples.offsets = {0, kIndices, 2 * kIndices};
  for (uint32_t example = 0; example < examples.count; example++)
    for (uint32_t index = 0; index < kIndices; index++) {
      examples.indices.push_back(index);
      examples.values.push_back(1);
    }
  for (const bool isCancelled : {false, true}) {
    WorkMeter work(isCancelled ? &dense.cancelled : nullptr);
    ExampleWalk walk(*dense.run, examples, work);
    uint32_t visited = 0;
    const Status status = walk.run(kRows, [&](uint32_t, const float*) { visited++; });
    CHECK(status.code() == (isCancelled ? Code::Cancelled : Code::Ok));
    CHECK(isCancelled ? visited > 0 && visited < kRows / 2 : visited == kRows);
  }
}

SOLO_TEST("a cancelled walk by one vector stops and leaves its sums cleared") {
  const DenseRun dense;
  std::vector<PostingRun::List> lists(kIndices);
  dense.run->findAll(dense.indices.data(), kIndices, 0, lists.data());
  // The last walk finds everything: the cancelled one has left nothing in the thread's sums.
  for (const bool isCancelled : {false, true, false}) {
    WorkMeter work(isCancelled ? &dense.cancelled : nullptr);
    PostingWalk walk(*dense.run, lists.data(), dense.vector(), work);
    uint32_t found = 0;
    bool areRight = true;
    const Status status = walk.run(
        kRows, PostingWalk::Order::Rows, [] { return 0.0f; },
        [&](const PostingCandidate& candidate) {
          found++;
          areRight = areRight && candidate.upper < kIndices + 0.01f;
        });
    CHECK(status.code() == (isCancelled ? Code::Cancelled : Code::Ok));
    CHECK(isCancelled ? walk.visited() < uint64_t(kRows) * kIndices : found == kRows);
    CHECK(areRight);
  }
}
