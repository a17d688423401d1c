// A system without memory or threads: each request of each operation is refused in turn. The
// operation answers an error, the shard stays as it was, and it works again once there is memory.
#include <functional>
#include <thread>

#include "filter_fixture.hpp"
#include "harness.hpp"
#include "refusals.hpp"
#include "search/sparse_search.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kPoints = 60;
// No operation here makes this many requests.
constexpr uint64_t kMostRequests = 20'000;

ShardSpec refusedSpec() {
  ShardSpec spec = testSpec();
  spec.vectors[0].efConstruct = 20;
  spec.sparse = {{"words", Placement::Cached}};
  return spec;
}

struct RefusedBatch {
  TestBatch batch;
  std::vector<uint32_t> indices;
  std::vector<float> values;
  std::vector<uint32_t> offsets{0};

  RefusedBatch(uint64_t from, uint32_t count, uint64_t seq) : batch(from, count, seq) {
    for (uint32_t at = 0; at < count; at++) {
      for (uint32_t word = 0; word < 3; word++) {
        indices.push_back(word * 40 + at % 40);
        values.push_back(float(1 + at % 5));
      }
      offsets.push_back(uint32_t(indices.size()));
    }
    batch.columns.sparse = {{0, indices.data(), values.data(), offsets.data(), nullptr, count}};
  }
};

template <typename T> Status statusOf(const Result<T>& result) { return result.status(); }

Status searchAll(const Shard& shard) {
  SearchRequest dense = testSearch(3);
  SearchResult result;
  VICINAL_TRY(search(shard.snapshot(), shard.spec().vectors, dense, nullptr, result));
  dense.isExact = true;
  SearchResult exact;
  VICINAL_TRY(search(shard.snapshot(), shard.spec().vectors, dense, nullptr, exact));
  SparseRequest words;
  words.indices = {3, 43, 83};
  words.values = {1, 2, 3};
  words.limit = 10;
  words.hasIdf = true;
  SearchResult sparse;
  return searchSparse(shard.snapshot(), shard.spec().vectors, words, nullptr, sparse);
}

// All points with payloads, and the changes to be flushed.
std::string stateOf(const Shard& shard) {
  ScrollRequest page;
  page.limit = 100 * kPoints;
  page.fields.payload = true;
  page.fields.vectors = {0, 1, 2};
  ScrollResult all;
  if (!scroll(shard.snapshot(), shard.spec().vectors, page, nullptr, all)) return "no answer";
  std::string text(all.rows.payloadBytes.data(), all.rows.payloadBytes.size());
  for (const uint32_t word : all.rows.ids) text += " " + std::to_string(word);
  for (const auto& vector : all.rows.vectors)
    for (const float component : vector.data) text += " " + std::to_string(component);
  const ShardStats stats = shard.stats();
  return text + " dirty " + std::to_string(stats.dirty) + " " + std::to_string(stats.dirtyBytes);
}

struct Operation {
  const char* name;
  std::function<Status(Shard&, uint64_t seq)> run;
};

Status flush(Shard& shard) {
  TableRows rows;
  VICINAL_TRY(shard.takeFlush(1 << 20, rows));
  shard.restoreFlush();
  return Status::ok();
}

std::vector<Operation> operations() {
  return {
      {"upsert of points there are, and others",
       [](Shard& shard, uint64_t seq) {
         return shard.upsert(RefusedBatch(seq % 40, 30, seq).batch.columns);
       }},
      {"updateVectors",
       [](Shard& shard, uint64_t seq) {
         return shard.updateVectors(RefusedBatch(seq % 30, 9, seq).batch.columns);
       }},
      {"setPayloads",
       [](Shard& shard, uint64_t seq) {
         return shard.setPayloads(TestBatch(seq % 20, 9, seq).columns);
       }},
      {"deletePoints",
       [](Shard& shard, uint64_t seq) {
         return statusOf(shard.deletePoints(testIds(seq % 50, 3), seq));
       }},
      {"deleteVectors",
       [](Shard& shard, uint64_t seq) {
         return shard.deleteVectors(testIds(seq % 50, 3), {1, 2}, seq);
       }},
      {"takeFlush", [](Shard& shard, uint64_t) { return flush(shard); }},
      {"searches", [](Shard& shard, uint64_t) { return searchAll(shard); }},
      {"createPayloadIndex",
       [](Shard& shard, uint64_t seq) {
         const auto kind = seq % 2 == 0 ? PayloadIndexKind::Integer : PayloadIndexKind::Keyword;
         return shard.createPayloadIndex({"n", kind, {}, false});
       }},
      {"checkpoint, and opening what it wrote",
       [](Shard& shard, uint64_t) {
         const auto written = shard.checkpoint(scratchFolder());
         if (!written) return written.status();
         ThreadPool pool(1);
         Shard opened(shard.spec(), pool);
         return statusOf(opened.openSegment({written->segments[0].base.path, {}, {}, {}}, true));
       }},
      {"freeze and moveRows",
       [](Shard& shard, uint64_t) {
         shard.freeze();
         const ShardStats::SegmentStats first = shard.stats().segments.front();
         VICINAL_TRY(statusOf(shard.moveRows(first.number, 1000)));
         return shard.dropSegment(first.number);
       }},
  };
}

bool isRefusal(const Status& status) {
  return status.code() == Code::ResourceExhausted || status.code() == Code::Overloaded;
}

void checkSound(Shard& shard) {
  // A job that failed before may end only now and report to the waiter.
  Status indexed;
  for (int times = 0; times < 100 && !(indexed = waitForIndex(shard)); times++)
    CHECK(isRefusal(indexed));
  CHECK(indexed.isOk());
  CHECK(shard.validate().empty());
  CHECK(searchAll(shard).isOk());
  SearchRequest all = testSearch(5, 10'000);
  all.ef = 10'000;
  SearchResult found;
  CHECK(search(shard.snapshot(), shard.spec().vectors, all, nullptr, found).isOk());
  all.isExact = true;
  SearchResult exact;
  CHECK(search(shard.snapshot(), shard.spec().vectors, all, nullptr, exact).isOk());
  CHECK_EQUAL(found.rows.count, exact.rows.count);
}

} // namespace

ANSWERS_TEST("each refused allocation of each operation answers an error and changes nothing") {
  ThreadPool pool(2);
  uint64_t seq = 100;
  for (const Operation& operation : operations()) {
    Shard shard(refusedSpec(), pool);
    REQUIRE(shard.upsert(RefusedBatch(0, kPoints, 1).batch.columns).isOk());
    REQUIRE(shard.createPayloadIndex({"seq", PayloadIndexKind::Integer, {}, false}).isOk());
    REQUIRE(waitForIndex(shard).isOk());
    uint64_t refused = 0;
    for (uint64_t nth = 1; nth < kMostRequests; nth++) {
      const std::string before = stateOf(shard);
      Status status;
      bool wasRefused = false;
      // A new thread, since one that has done the operation before asks for less.
      std::thread([&] {
        const Refusals refusals = Refusals::one(Wanted::Memory, nth);
        status = attempt([&] { return operation.run(shard, ++seq); });
        wasRefused = refusals.count() > 0;
      }).join();
      if (!wasRefused) {
        if (!status) fail(__FILE__, __LINE__, operation.name + (": " + status.message()));
        break;
      }
      refused++;
      if (status) continue; // it worked without the refused request
      if (!isRefusal(status)) fail(__FILE__, __LINE__, operation.name + (": " + status.message()));
      const std::string after = stateOf(shard);
      if (after != before)
        fail(__FILE__, __LINE__,
             std::string(operation.name) + " changed something, at request " + std::to_string(nth));
    }
    if (refused < 2) fail(__FILE__, __LINE__, std::string(operation.name) + " asks for no memory");
    checkSound(shard);
  }
}

ANSWERS_TEST("with each nth allocation of any thread refused, repeating failed operations gives "
             "the same state") {
  for (const uint64_t nth : {11u, 53u, 211u}) {
    ThreadPool pool(2);
    Shard shard(refusedSpec(), pool);
    Shard calm(refusedSpec(), pool);
    uint64_t refused = 0;
    for (uint64_t seq = 1; seq <= 60; seq++) {
      const std::vector<Operation> all = operations();
      // The first operations, which write.
      const Operation& operation = seq < 4 ? all[0] : all[seq * 7 % 5];
      CHECK(operation.run(calm, seq).isOk());
      Status status;
      {
        const Refusals refusals = Refusals::each(Wanted::Memory, nth);
        status = attempt([&] { return operation.run(shard, seq); });
        (void)attempt([&] { return searchAll(shard); });
        (void)attempt([&] { return waitForIndex(shard); });
        refused += refusals.count();
      }
      if (status) continue;
      CHECK(isRefusal(status));
      CHECK(operation.run(shard, seq).isOk());
    }
    CHECK(refused > 0);
    CHECK_EQUAL(stateOf(shard), stateOf(calm));
    // Even if a part of the graph is missing, the written file is complete.
    const auto written = shard.checkpoint(scratchFolder());
    REQUIRE(written);
    Shard opened(refusedSpec(), pool);
    for (const auto& segment : written->segments)
      CHECK(opened.openSegment({segment.base.path, {}, {}, {}}, false).isOk());
    CHECK(opened.validate().empty());
    checkSound(shard);
  }
}

ANSWERS_TEST(
    "without threads a write succeeds, waiters get an error, and the graph is built later") {
  ThreadPool pool(3);
  Shard shard(refusedSpec(), pool);
  {
    const Refusals refusals = Refusals::each(Wanted::Threads, 1);
    CHECK(shard.upsert(RefusedBatch(0, 600, 1).batch.columns).isOk());
    CHECK(waitForIndex(shard).code() == Code::ResourceExhausted);
    const Status submitted = attempt([&] {
      pool.submit(Lane::Search, [] {});
      return Status::ok();
    });
    CHECK(submitted.code() == Code::ResourceExhausted);
    CHECK(refusals.count() > 2);
    CHECK(searchAll(shard).isOk());
  }
  checkSound(shard);
}

ANSWERS_TEST("fewer threads than configured do all the work") {
  for (const uint64_t nth : {2u, 3u}) {
    ThreadPool pool(4);
    Shard shard(refusedSpec(), pool);
    const Refusals refusals = Refusals::each(Wanted::Threads, nth);
    CHECK(shard.upsert(RefusedBatch(0, 600, 1).batch.columns).isOk());
    checkSound(shard);
    CHECK(refusals.count() > 0);
  }
}

ANSWERS_TEST("a shard closes without memory or threads") {
  for (const Wanted wanted : {Wanted::Memory, Wanted::Threads}) {
    ThreadPool pool(2);
    auto shard = std::make_unique<Shard>(refusedSpec(), pool);
    CHECK(shard->upsert(RefusedBatch(0, 300, 1).batch.columns).isOk());
    const Refusals refusals = Refusals::each(wanted, 1);
    shard.reset();
  }
}
