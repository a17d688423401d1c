// Vectors are added to and dropped from a shard that is read and written.
#include <atomic>
#include <thread>

#include "harness.hpp"
#include "search/sparse_search.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

ShardSpec specOf(const std::vector<VectorSpec>& vectors,
                 const std::vector<SparseSpec>& sparse = {}) {
  ShardSpec spec = testSpec();
  spec.vectors = vectors;
  spec.sparse = sparse;
  return spec;
}

const VectorSpec kA = testSpec().vectors[0];
const VectorSpec kB = testSpec().vectors[1];
const VectorSpec kAdded = {"c/2", 2, Metric::L2, 8, 40};

VectorSpec multi() {
  VectorSpec spec{"m/3", 2, Metric::Dot, 8, 40};
  spec.isMulti = true;
  spec.slot = 3;
  return spec;
}

// Points [from, from + count) with two numbers of kAdded each, which is number `vector` in the
// spec.
void upsertAdded(Shard& shard, uint64_t from, uint32_t count, uint64_t seq, uint32_t vector) {
  UpsertColumns columns;
  std::vector<float> data;
  for (uint32_t at = 0; at < count; at++) {
    columns.ids.push_back(PointId::number(from + at));
    data.push_back(float(from + at));
    data.push_back(1);
  }
  columns.seq = seq;
  columns.vectors = {{vector, data.data(), nullptr, count}};
  CHECK(shard.updateVectors(columns).isOk());
}

size_t hitsOf(const Shard& shard, uint32_t vector, std::vector<float> query) {
  SearchRequest request;
  request.vector = vector;
  request.query = std::move(query);
  request.limit = 1000;
  SearchResult result;
  CHECK(search(shard.snapshot(), shard.spec().vectors, request, nullptr, result).isOk());
  return result.rows.count;
}

} // namespace

TEST("a reshaped shard has the rows of the old one and their common vectors") {
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  for (uint32_t from = 0; from < 3000; from += 500)
    CHECK(shard.upsert(TestBatch(from, 500, from + 1).columns).isOk());
  CHECK(waitForIndex(shard).isOk());
  CHECK(shard.upsert(TestBatch(3000, 200, 4000).columns).isOk());
  const SearchRequest request = testSearch(3);
  const std::string before = answer(shard, request);

  auto made = Shard::reshaped(shard, specOf({kA, kAdded, multi()}, {{"s/4"}}));
  REQUIRE(made.isOk());
  Shard& next = **made;
  CHECK_EQUAL(answer(next, request), before);
  CHECK_EQUAL(answer(shard, request), before);
  CHECK_EQUAL(pointsOf(next), 3200u);
  CHECK_EQUAL(hitsOf(next, 1, {1, 1}), 0u);
  CHECK_EQUAL(next.stats().dirty, 3200u);

  upsertAdded(next, 100, 50, 5000, 1);
  CHECK_EQUAL(hitsOf(next, 1, {1, 1}), 50u);
  // Readers of the older shard see the same rows as before.
  CHECK_EQUAL(answer(shard, request), before);
  CHECK_EQUAL(pointsOf(next), 3200u);
  CHECK(waitForIndex(next).isOk());
  CHECK(next.validate().empty());

  SparseRequest sparse;
  sparse.vector = 0;
  const uint32_t indices[] = {1, 7};
  const float values[] = {1, 2};
  UpsertColumns columns;
  const uint32_t offsets[] = {0, 2};
  columns.ids = testIds(9000, 1);
  columns.seq = 6000;
  columns.sparse = {{0, indices, values, offsets, nullptr, 1}};
  CHECK(next.upsert(columns).isOk());
  // GCC 12 reports an overrun for an assigned list of one element.
  sparse.indices.assign(1, 7);
  sparse.values.assign(1, 1.0f);
  sparse.limit = 10;
  SearchResult found;
  CHECK(searchSparse(next.snapshot(), next.spec().vectors, sparse, nullptr, found, Waiting::Allowed)
            .isOk());
  CHECK_EQUAL(found.rows.count, 1u);
}

TEST("a dropped vector is in no file of the reshaped shard, and no rows are lost") {
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  CHECK(shard.upsert(TestBatch(0, 2000, 1).columns).isOk());
  CHECK(waitForIndex(shard).isOk());
  auto files = shard.checkpoint(scratchFolder());
  REQUIRE(files.isOk());
  const SegmentSource older{files->segments[0].base.path, files->segments[0].base.crc, {}, {}};

  // An older file can be opened with one of its vectors missing and another one added.
  Shard opened(specOf({kAdded, kA, multi()}, {{"s/4"}}), pool);
  REQUIRE(opened.openSegment(older, true).isOk());
  CHECK_EQUAL(pointsOf(opened), 2000u);
  CHECK_EQUAL(hitsOf(opened, 0, {1, 1}), 0u);
  upsertAdded(opened, 0, 10, 7, 0);
  CHECK_EQUAL(hitsOf(opened, 0, {1, 1}), 10u);
  SearchRequest request = testSearch(5);
  const std::string before = answer(shard, request);
  request.vector = 1;
  CHECK_EQUAL(answer(opened, request).size(), before.size());
  // Such a file is rewritten although its rows are the same.
  Shard untouched(specOf({kA}), pool);
  REQUIRE(untouched.openSegment(older, true).isOk());
  auto again = untouched.checkpoint(scratchFolder());
  REQUIRE(again.isOk());
  CHECK(again->segments[0].base.path != older.path);
  const auto seen = inspectSegment(again->segments[0].base.path);
  REQUIRE(seen.isOk());
  CHECK_EQUAL(seen->directory.vectors.size(), 1u);

  auto dropped = Shard::reshaped(shard, specOf({kA}));
  REQUIRE(dropped.isOk());
  auto written = (*dropped)->checkpoint(scratchFolder());
  REQUIRE(written.isOk());
  CHECK(written->segments[0].base.path != older.path);
  // Adding a vector leaves files as they are.
  auto added = Shard::reshaped(**dropped, specOf({kA, kAdded}));
  REQUIRE(added.isOk());
  auto kept = (*added)->checkpoint(scratchFolder());
  REQUIRE(kept.isOk());
  CHECK_EQUAL(kept->segments[0].base.path, written->segments[0].base.path);
  CHECK((*added)->shed(true).isOk());
  request.vector = 0;
  CHECK_EQUAL(answer(**added, request), before);
  // The same name with other settings is a different vector.
  VectorSpec other = kA;
  other.dim = 3;
  CHECK(!Shard::reshaped(**added, specOf({other})).isOk());
  CHECK_EQUAL(answer(**added, request), before);
}

TEST("searches go on while vectors are added and dropped under them") {
  ThreadPool pool(2);
  auto current = std::make_shared<Shard>(testSpec(), pool);
  CHECK(current->upsert(TestBatch(0, 3000, 1).columns).isOk());
  std::mutex mutex;
  std::atomic<bool> ends{false};
  std::atomic<uint32_t> searches{0};
  const auto present = [&] {
    std::lock_guard lock(mutex);
    return current;
  };
  std::vector<std::thread> readers;
  for (uint32_t reader = 0; reader < 2; reader++)
    readers.emplace_back([&, reader] {
      for (uint32_t round = 0; !ends; round++) {
        const auto shard = present();
        SearchRequest request = testSearch(reader * 1000 + round);
        SearchResult result;
        if (!search(shard->snapshot(), shard->spec().vectors, request, nullptr, result).isOk() ||
            result.rows.count != 10)
          ends = true;
        searches++;
      }
    });
  const uint32_t rounds = isSlow() ? 10 : 40;
  for (uint32_t round = 0; (round < rounds || searches < 10) && !ends; round++) {
    const bool adds = round % 2 == 0;
    auto made = Shard::reshaped(*present(), adds ? specOf({kA, kAdded}) : specOf({kA}));
    CHECK(made.isOk());
    if (!made) break;
    if (adds) upsertAdded(**made, 0, 200, 10 + round, 1);
    // Uses the vectors that both shards have.
    TestBatch batch(round % 100 * 20, 20, 100 + round);
    batch.columns.vectors.resize(1);
    CHECK((*made)->upsert(batch.columns).isOk());
    std::lock_guard lock(mutex);
    current = made.take();
  }
  CHECK(!ends);
  ends = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(searches > 0);
  CHECK_EQUAL(pointsOf(*current), 3000u);
  CHECK(waitForIndex(*current).isOk());
  CHECK(current->validate().empty());
}
