#include <atomic>
#include <thread>

#include "harness.hpp"
#include "search/filter_bytes.hpp"
#include "search/order_by.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

TEST("a write that must not wait is refused without effect during id lookups, with payload "
     "indexes, or if a segment must be made") {
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  const TestBatch first(0, 4, 1);
  // These rows need a new segment.
  CHECK(shard.upsert(first.columns, Waiting::Refused).code() == Code::Cancelled);
  CHECK_EQUAL(pointsOf(shard), 0u);
  CHECK(shard.upsert(first.columns).isOk());
  CHECK_EQUAL(pointsOf(shard), 4u);
  const std::string before = answer(shard, testSearch(7));
  const TestBatch second(2, 4, 2, 99);
  const auto isRefused = [&] {
    CHECK(shard.upsert(second.columns, Waiting::Refused).code() == Code::Cancelled);
    CHECK_EQUAL(answer(shard, testSearch(7)), before);
  };
  {
    const Snapshot reader = shard.snapshot();
    std::shared_lock lookup(*reader.lookup);
    isRefused();
  }
  CHECK(shard.createPayloadIndex({"n", PayloadIndexKind::Integer}).isOk());
  isRefused();
  shard.dropPayloadIndex("n");
  CHECK(shard.upsert(TestBatch(2, 4, 3, 99).columns, Waiting::Refused).isOk());
  CHECK_EQUAL(pointsOf(shard), 6u);
}

TEST("writes that must not wait succeed while datatypes, missing vectors and the number of rows "
     "change") {
  ThreadPool pool(2);
  ShardSpec spec = testSpec();
  spec.vectors.resize(1);
  for (const uint32_t gap : {0u, 700u}) {
    Shard shard(spec, pool);
    const uint32_t count = 2500;
    uint32_t refused = 0;
    for (uint32_t at = 0; at < count; at++) {
      TestBatch batch(at, 1, at + 1);
      batch.columns.vectors.resize(gap > 0 && at == gap ? 0 : 1);
      // Each value fits a byte, so a segment of bytes begins once there are enough rows.
      for (float& value : batch.a) value = float(at % 200);
      const Status status = shard.upsert(batch.columns, Waiting::Refused);
      CHECK(status.isOk() || status.code() == Code::Cancelled);
      if (status.isOk()) continue;
      refused++;
      CHECK(shard.upsert(batch.columns).isOk());
    }
    CHECK_EQUAL(pointsOf(shard), uint64_t(count));
    // Refused once for each new segment and each larger id table, and at the first row without its
    // vector.
    CHECK(refused >= (gap > 0 ? 4u : 3u) && refused < 40);
    const Snapshot now = shard.snapshot();
    CHECK(now.segment(now.count() - 1).space(0).spec().datatype == Datatype::Uint8);
  }
}

TEST("rows that are written one by one are all linked") {
  ThreadPool pool(3);
  Shard shard(testSpec(), pool);
  const uint32_t count = isSlow() ? 300 : 2000;
  for (uint32_t at = 0; at < count; at++)
    CHECK(shard.upsert(TestBatch(at, 1, at + 1).columns).isOk());
  // Polls instead of waiting for the graph, because waiting would wake threads too.
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  while (shard.stats().vectors[0].indexed < count && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK_EQUAL(shard.stats().vectors[0].indexed, uint64_t(count));
}

TEST("searches, writes, payload changes, compaction, checkpoints and index changes run "
     "concurrently") {
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  constexpr uint32_t kPoints = 400;
  REQUIRE(shard.upsert(TestBatch(0, kPoints, 1).columns).isOk());
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> searches{0};

  // While points are updated, moved and linked, every point is found exactly once.
  const auto read = [&](uint32_t seed) {
    while (!stop) {
      CHECK_EQUAL(pointsOf(shard), uint64_t(kPoints));
      std::vector<RowRef> rows;
      shard.locate(testIds(0, kPoints), rows);
      CHECK(std::all_of(rows.begin(), rows.end(), [](const RowRef& row) { return row.found(); }));
      SearchResult result;
      CHECK(search(shard.snapshot(), shard.spec().vectors, testSearch(seed++, 20), nullptr, result)
                .isOk());
      CHECK_EQUAL(result.rows.count, 20u);
      searches++;
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(read, 1);
  threads.emplace_back(read, 1000);
  threads.emplace_back([&] {
    while (!stop) {
      CHECK(shard.checkpoint(scratchFolder()).isOk());
      CHECK(shard.createPayloadIndex({"n", PayloadIndexKind::Integer}).isOk());
      (void)shard.stats();
      shard.dropPayloadIndex("n");
    }
  });
  threads.emplace_back([&] {
    while (!stop) {
      TableRows rows;
      CHECK(shard.takeFlush(1 << 14, rows).isOk());
      searches % 2 == 0 ? shard.restoreFlush() : shard.completeFlush();
    }
  });
  const uint64_t operations = isSlow() ? 150 : 600;
  // On a busy machine the readers may not have begun by then.
  constexpr uint64_t kFewestSearches = 10;
  for (uint64_t seq = 2; seq < operations || searches < kFewestSearches; seq++) {
    const uint64_t from = seq * 37 % (kPoints - 50);
    CHECK(shard.upsert(TestBatch(from, 50, seq, static_cast<uint32_t>(seq)).columns).isOk());
    CHECK(shard.setPayloads(TestBatch(from + 20, 10, ++seq).columns).isOk());
    if (seq % 40 > 1) continue;
    const int64_t frozen = shard.freeze();
    if (frozen < 0) continue;
    while (true) {
      auto left = shard.moveRows(static_cast<uint32_t>(frozen), 60);
      REQUIRE(left.isOk());
      if (*left == 0) break;
    }
    CHECK(shard.dropSegment(static_cast<uint32_t>(frozen)).isOk());
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(waitForIndex(shard).isOk());
  CHECK_EQUAL(shard.validate().size(), size_t(0));
  CHECK_EQUAL(pointsOf(shard), uint64_t(kPoints));
}

TEST("orderBy beside changing values returns every point once") {
  constexpr uint32_t kPoints = 2000;
  ThreadPool pool(2);
  for (int round = 0; round < (isSlow() ? 3 : 10); round++) {
    Shard shard(testSpec(), pool);
    REQUIRE(shard.upsert(TestBatch(0, kPoints, 1).columns).isOk());
    REQUIRE(shard.createPayloadIndex({"seq", PayloadIndexKind::Integer}).isOk());
    std::atomic<bool> isChanging{true};
    std::thread changes([&] {
      for (uint32_t from = 0; from < kPoints; from += 10)
        CHECK(shard.setPayloads(TestBatch(from, 10, 2 + from / 10).columns).isOk());
      isChanging = false;
    });
    OrderRequest request;
    request.field = "seq";
    request.limit = 2 * kPoints;
    while (isChanging) {
      OrderResult result;
      CHECK(orderBy(shard.snapshot(), shard.spec().vectors, request, nullptr, result).isOk());
      CHECK_EQUAL(result.rows.count, kPoints);
    }
    changes.join();
  }
}

TEST("orderBy by an index that comes and goes returns a whole page or an error") {
  constexpr uint32_t kPoints = 200;
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  // Several segments; the index may be dropped between two of them.
  for (uint32_t from = 0; from < kPoints; from += 50) {
    REQUIRE(shard.upsert(TestBatch(from, 50, 1 + from).columns).isOk());
    shard.freeze();
  }
  std::atomic<bool> stop{false};
  std::thread changes([&] {
    for (uint32_t turn = 0; !stop; turn++) {
      const auto kind = turn % 2 == 0 ? PayloadIndexKind::Integer : PayloadIndexKind::Float;
      CHECK(shard.createPayloadIndex({"seq", kind}).isOk());
      if (turn % 3 == 0) shard.dropPayloadIndex("seq");
    }
  });
  OrderRequest request;
  request.field = "seq";
  request.limit = 2 * kPoints;
  uint32_t refused = 0;
  uint32_t answered = 0;
  while (answered < (isSlow() ? 100u : 500u) || refused == 0) {
    OrderResult result;
    const Status status = orderBy(shard.snapshot(), shard.spec().vectors, request, nullptr, result);
    if (!status.isOk()) {
      CHECK(status.code() == Code::InvalidArgument);
      refused++;
      continue;
    }
    answered++;
    CHECK_EQUAL(result.rows.count, kPoints);
  }
  stop = true;
  changes.join();
}

TEST("stats can be read while payload indexes come and go") {
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  REQUIRE(shard.upsert(TestBatch(0, 50, 1).columns).isOk());
  std::atomic<bool> stop{false};
  std::thread changes([&] {
    while (!stop) {
      CHECK(shard.createPayloadIndex({"n", PayloadIndexKind::Integer}).isOk());
      shard.dropPayloadIndex("n");
    }
  });
  for (int round = 0; round < 20'000; round++) CHECK(shard.stats().payloadIndexes.size() <= 1);
  stop = true;
  changes.join();
}

TEST("a shard that is destroyed while its graph is built leaves nothing behind") {
  ThreadPool pool(2);
  for (int round = 0; round < 20; round++) {
    auto shard = std::make_unique<Shard>(testSpec(), pool);
    CHECK(shard->upsert(TestBatch(0, 200, 1).columns).isOk());
    bool called = false;
    shard->indexer().wait([&](Status) { called = true; });
    shard.reset();
    CHECK(called);
  }
}

TEST("a batch too large for the active segment gets one of its own") {
  ThreadPool pool(1);
  ShardSpec spec = testSpec();
  spec.segmentBytes = 1 << 16;
  Shard shard(spec, pool);
  uint64_t points = 0;
  for (uint64_t seq = 1; seq <= 12; seq++) {
    const uint32_t count = seq % 3 == 0 ? 5000 : 100;
    CHECK(shard.upsert(TestBatch(points, count, seq).columns).isOk());
    points += count;
  }
  CHECK_EQUAL(pointsOf(shard), points);
  CHECK(shard.stats().segments.size() > 3);
  std::vector<RowRef> rows;
  shard.locate(testIds(0, static_cast<uint32_t>(points)), rows);
  CHECK(std::all_of(rows.begin(), rows.end(), [](const RowRef& row) { return row.found(); }));
}

TEST("filters work while their indexes come and go") {
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  REQUIRE(shard.upsert(TestBatch(0, 100, 1).columns).isOk());
  std::atomic<bool> stop{false};
  std::thread indexing([&] {
    while (!stop) {
      CHECK(shard.createPayloadIndex({"n", PayloadIndexKind::Text}).isOk());
      shard.dropPayloadIndex("n");
    }
  });
  const Snapshot snapshot = shard.snapshot();
  for (int round = 0; round < (isSlow() ? 20'000 : 200'000); round++)
    CHECK(textFields(snapshot).size() <= 1);
  stop = true;
  indexing.join();
}
