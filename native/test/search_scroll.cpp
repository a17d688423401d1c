#include "harness.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

TEST("scroll pages have all points in id order, whatever the order of writes") {
  ThreadPool pool(1);
  Shard shard(testSpec(), pool);
  std::vector<uint64_t> expected;
  uint64_t seq = 0;
  // Written out of order, in two segments, with updates and deletes, and with more unsorted rows
  // than a page scans.
  for (const uint64_t from : {9000, 0, 3000, 6000}) {
    REQUIRE(shard.upsert(TestBatch(from, 2500, ++seq).columns).isOk());
    if (from == 0) shard.freeze();
    for (uint64_t id = from; id < from + 2500; id++)
      if (id < from + 10 || id >= from + 30) expected.push_back(id);
    REQUIRE(shard.deletePoints(testIds(from + 10, 20), ++seq).isOk());
    REQUIRE(shard.upsert(TestBatch(from + 40, 30, ++seq).columns).isOk());
  }
  std::sort(expected.begin(), expected.end());
  std::vector<uint64_t> seen;
  ScrollRequest request;
  request.limit = 333;
  while (true) {
    ScrollResult result;
    REQUIRE(scroll(shard.snapshot(), shard.spec().vectors, request, nullptr, result).isOk());
    for (uint32_t at = 0; at < result.rows.count; at++) {
      PointId id;
      REQUIRE(decodePointId(&result.rows.ids[at * kIdWords], id));
      seen.push_back(id.low);
    }
    // Pages stay right while rows are added behind them.
    const uint64_t added = 20'000 + seq;
    REQUIRE(shard.upsert(TestBatch(added, 1, ++seq).columns).isOk());
    expected.push_back(added);
    if (!result.next || seen.size() > 20'000) break;
    request.from = result.next;
  }
  expected.pop_back();
  CHECK_EQUAL(seen.size(), expected.size());
  CHECK(seen == expected);
}

TEST("a result beyond its memory bound is refused before any row is read") {
  ThreadPool pool(1);
  ShardSpec spec = testSpec();
  Shard shard(spec, pool);
  REQUIRE(shard.upsert(TestBatch(0, 100, 1).columns).isOk());
  ScrollRequest request;
  request.limit = 50;
  request.fields.payload = true;
  for (uint32_t vector = 0; vector < spec.vectorCount(); vector++)
    request.fields.vectors.push_back(vector);
  const auto run = [&](uint64_t most, ScrollResult& result) {
    request.fields.mostBytes = most;
    return scroll(shard.snapshot(), shard.spec().vectors, request, nullptr, result);
  };
  ScrollResult whole;
  REQUIRE(run(UINT64_MAX, whole).isOk());
  uint64_t data = whole.rows.ids.bytes() + whole.rows.seqs.bytes() + whole.rows.payloadBytes.size();
  for (const RowBlock::Vectors& vectors : whole.rows.vectors)
    data += vectors.data.bytes() + vectors.indices.bytes();
  ScrollResult none;
  const uint64_t bytes = run(1, none).wantedBytes();
  // In addition, each row and vector counts as a JavaScript object.
  const uint64_t objects = 50 * (1 + spec.vectorCount());
  CHECK(bytes >= data + objects * 64 && bytes < data + objects * 128);
  ScrollResult enough;
  CHECK(run(bytes, enough).isOk());
  CHECK_EQUAL(enough.rows.count, 50u);
  ScrollResult less;
  const Status status = run(bytes - 1, less);
  CHECK(status.code() == Code::ResourceExhausted);
  CHECK_EQUAL(status.wantedBytes(), bytes);
  CHECK_EQUAL(less.rows.payloadBytes.size(), size_t(0));
}
