#include "harness.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;
namespace {

constexpr uint32_t kPoints = 2000;

void moveAllFrom(Shard& shard, uint32_t segment) {
  for (;;) {
    const auto left = shard.moveRows(segment, 500);
    REQUIRE(left.isOk());
    if (*left == 0) return;
  }
}

} // namespace

TEST("a waiter for a dropped segment's graph waits for the graph that has its rows") {
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  shard.indexer().setEnabled(false);
  CHECK(shard.upsert(TestBatch(0, kPoints, 1).columns).isOk());
  const int64_t segment = shard.freeze();
  REQUIRE(segment >= 0);
  GraphWait waiting(shard);
  moveAllFrom(shard, uint32_t(segment));
  CHECK(shard.dropSegment(uint32_t(segment)).isOk());
  CHECK(!waiting.isOver());
  shard.indexer().setEnabled(true);
  CHECK(waiting.outcome().isOk());
  const ShardStats stats = shard.stats();
  CHECK_EQUAL(stats.vectors[0].indexed, uint64_t(kPoints));
}

TEST("a wait for a dropped segment alone ends with it") {
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  shard.indexer().pause();
  CHECK(shard.upsert(TestBatch(0, kPoints, 1).columns).isOk());
  const int64_t segment = shard.freeze();
  GraphWait waiting(shard);
  CHECK(shard.deletePoints(testIds(0, kPoints), kPoints + 1).isOk());
  CHECK(shard.dropSegment(uint32_t(segment)).isOk());
  shard.indexer().resume();
  CHECK(waiting.outcome().isOk());
}

// Finds a use after free under a sanitizer, or if memory is reused at once.
TEST("a shard can be freed once its building has stopped, even if jobs have not ended yet") {
  ThreadPool pool(3);
  for (int round = 0; round < (isSlow() ? 60 : 200); round++) {
    Shard shard(testSpec(), pool);
    CHECK(shard.upsert(TestBatch(0, 400, 1).columns).isOk());
  }
}
