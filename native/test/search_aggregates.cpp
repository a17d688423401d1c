#include <algorithm>
#include <cmath>
#include <map>
#include <variant>

#include "harness.hpp"
#include "program_bytes.hpp"
#include "search/facet.hpp"
#include "search/index_points.hpp"
#include "search/order_by.hpp"
#include "search/sample.hpp"
#include "search/scroll.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

using Start = std::variant<std::monostate, int64_t, double>;

// Three segments with updates, deletes, and payloads that were changed after they were indexed. The
// payload of point n is {"n":n,"seq":…}.
struct Filled {
  ThreadPool pool{1};
  Shard shard{testSpec(), pool};
  // By id.
  std::map<uint64_t, uint64_t> seqs;

  Filled() {
    uint64_t seq = 0;
    for (const uint64_t from : {2000, 0, 1000}) {
      put(from, 700, ++seq);
      if (from == 0) {
        CHECK(shard.createPayloadIndex({"seq", PayloadIndexKind::Integer}).isOk());
        CHECK(shard.createPayloadIndex({"n", PayloadIndexKind::Float}).isOk());
      }
      CHECK(shard.deletePoints(testIds(from + 10, 20), ++seq).isOk());
      for (uint64_t id = from + 10; id < from + 30; id++) seqs.erase(id);
      put(from + 40, 30, ++seq);
      change(from + 100, 50, ++seq);
      shard.freeze();
    }
    change(2000, 5, ++seq);
  }

  void put(uint64_t from, uint32_t count, uint64_t seq) {
    CHECK(shard.upsert(TestBatch(from, count, seq).columns).isOk());
    for (uint64_t id = from; id < from + count; id++) seqs[id] = seq;
  }
  void change(uint64_t from, uint32_t count, uint64_t seq) {
    TestBatch batch(from, count, seq);
    UpsertColumns columns;
    columns.ids = batch.columns.ids;
    columns.payloadBytes = batch.columns.payloadBytes;
    columns.payloadOffsets = batch.columns.payloadOffsets;
    columns.seq = seq;
    CHECK(shard.setPayloads(columns).isOk());
    for (uint64_t id = from; id < from + count; id++) seqs[id] = seq;
  }
};

} // namespace

TEST("a facet counts each value over all segments by present payloads") {
  Filled filled;
  std::map<int64_t, double> expected;
  for (const auto& [id, seq] : filled.seqs) expected[static_cast<int64_t>(seq)]++;
  FacetRequest request;
  request.field = "seq";
  request.limit = 100;
  FacetResult result;
  REQUIRE(facet(filled.shard.snapshot(), 2, request, nullptr, result).isOk());
  REQUIRE(result.integers.size() == expected.size());
  for (size_t at = 0; at < result.integers.size(); at++) {
    CHECK_EQUAL(result.counts[at], expected[result.integers[at]]);
    CHECK(at == 0 || result.counts[at - 1] >= result.counts[at]);
  }
  request.field = "n";
  FacetResult refused;
  CHECK(facet(filled.shard.snapshot(), 2, request, nullptr, refused).code() ==
        Code::InvalidArgument);
  CancelFlag cancelled;
  cancelled.cancel();
  request.field = "seq";
  CHECK(facet(filled.shard.snapshot(), 2, request, &cancelled, refused).code() == Code::Cancelled);
}

TEST("orderBy returns values of all segments in order, from the start value") {
  Filled filled;
  for (const bool isDescending : {false, true}) {
    for (const Start& from : {Start{}, Start{int64_t(1050)}, Start{1050.5}}) {
      std::vector<uint64_t> expected;
      for (const auto& [id, seq] : filled.seqs) {
        const double start = from.index() == 2 ? 1050.5 : 1050;
        const auto n = static_cast<double>(id);
        if (from.index() == 0 || (isDescending ? n <= start : n >= start)) expected.push_back(id);
      }
      if (isDescending) std::reverse(expected.begin(), expected.end());
      for (const uint32_t limit : {7u, 5000u}) {
        OrderRequest request;
        request.field = "n";
        request.isDescending = isDescending;
        request.from = from;
        request.limit = limit;
        OrderResult result;
        REQUIRE(
            orderBy(filled.shard.snapshot(), filled.shard.spec().vectors, request, nullptr, result)
                .isOk());
        REQUIRE(result.rows.count == std::min<size_t>(limit, expected.size()));
        for (uint32_t at = 0; at < result.rows.count; at++) {
          CHECK_EQUAL(uint64_t(result.rows.ids[at * kIdWords + 1]), expected[at]);
          CHECK_EQUAL(result.numbers[at], double(expected[at]));
        }
      }
    }
  }
}

TEST("a count that is expected to be fast is made, and a slow one is put off") {
  ThreadPool pool(1);
  Shard shard(testSpec(), pool);
  const uint32_t points = 5000;
  REQUIRE(shard.upsert(TestBatch(0, points, 1).columns).isOk());
  REQUIRE(shard.createPayloadIndex({"n", PayloadIndexKind::Integer}).isOk());
  const auto isCountedAs = [&](double from, double to, uint64_t expected, bool isShort) {
    Bytes program;
    // In [from, to).
    program.op(FilterOp::NumberRange).put<uint8_t>(1).put<uint8_t>(0).text("n");
    program.put<uint8_t>(0b1001).put(to).put(from);
    const auto exact = count(shard.snapshot(), 2, program.bytes, nullptr);
    REQUIRE(exact.isOk());
    CHECK_EQUAL(*exact, expected);
    const auto unbounded = countWithin(shard.snapshot(), 2, program.bytes, 1e9);
    REQUIRE(unbounded.isOk());
    CHECK_EQUAL(unbounded->has_value(), isShort);
    if (*unbounded) CHECK_EQUAL(**unbounded, expected);
    const auto within = countWithin(shard.snapshot(), 2, program.bytes, 1);
    REQUIRE(within.isOk());
    CHECK(!*within);
  };
  // Lists, bitmaps, and more than half of the rows.
  for (const double to : {100.0, 101.0, 103.0, 300.0, 1200.0, 2000.0, 4900.0})
    isCountedAs(100, to, uint64_t(to) - 100, true);
  isCountedAs(4990, 9000, 10, true);
  REQUIRE(shard.deletePoints(testIds(110, 20), 2).isOk());
  isCountedAs(100, 200, 80, true);
  const auto all = countWithin(shard.snapshot(), 2, std::nullopt, 1e9);
  REQUIRE(all.isOk() && *all);
  CHECK_EQUAL(**all, uint64_t(points - 20));
  // A changed payload differs from the indexed one, so it must be read.
  TestBatch batch(150, 5, 3);
  UpsertColumns columns;
  columns.ids = batch.columns.ids;
  columns.payloadBytes = batch.columns.payloadBytes;
  columns.payloadOffsets = batch.columns.payloadOffsets;
  columns.seq = 3;
  REQUIRE(shard.setPayloads(columns).isOk());
  isCountedAs(100, 200, 80, false);
}

TEST("points of an index are live ones, by their present payloads") {
  Filled filled;
  const auto pointsOf = [&](const char* field) {
    for (const IndexPoints& index : indexPoints(filled.shard.snapshot()))
      if (index.field == field) return index.points;
    return uint64_t(0);
  };
  CHECK_EQUAL(pointsOf("seq"), filled.seqs.size());
  const std::string empty = "{}";
  const std::vector<uint32_t> offsets = {0, 2};
  for (const uint64_t id : {1000, 1100, 2001}) {
    const auto ids = testIds(id, 1);
    UpsertColumns columns;
    columns.ids = ids;
    columns.payloadBytes = empty.data();
    columns.payloadOffsets = offsets.data();
    columns.seq = 100 + id;
    CHECK(filled.shard.setPayloads(columns).isOk());
  }
  CHECK_EQUAL(pointsOf("seq"), filled.seqs.size() - 3);
  CHECK_EQUAL(pointsOf("n"), filled.seqs.size() - 3);
}

TEST("points of an index are estimated if many payloads were changed") {
  ThreadPool pool(1);
  Shard shard(testSpec(), pool);
  constexpr uint32_t kPoints = 10'000;
  CHECK(shard.upsert(TestBatch(0, kPoints, 1).columns).isOk());
  CHECK(shard.createPayloadIndex({"half", PayloadIndexKind::Integer}).isOk());
  std::string payloads;
  std::vector<uint32_t> offsets = {0};
  for (uint32_t id = 0; id < kPoints; id++) {
    payloads += id % 2 == 0 || id % 7 == 0 ? "{\"half\":1}" : "{}";
    offsets.push_back(static_cast<uint32_t>(payloads.size()));
  }
  const auto ids = testIds(0, kPoints);
  UpsertColumns columns;
  columns.ids = ids;
  columns.payloadBytes = payloads.data();
  columns.payloadOffsets = offsets.data();
  columns.seq = 2;
  CHECK(shard.setPayloads(columns).isOk());
  const double share = double(indexPoints(shard.snapshot())[0].points) / kPoints;
  CHECK(std::abs(share - 4.0 / 7) < 0.05);
}

TEST("a sample has distinct existing points") {
  Filled filled;
  SampleRequest request;
  request.limit = 300;
  request.seed = 7;
  RowBlock block;
  REQUIRE(
      sample(filled.shard.snapshot(), filled.shard.spec().vectors, request, nullptr, block).isOk());
  REQUIRE(block.count == 300);
  std::map<uint64_t, int> seen;
  for (uint32_t at = 0; at < block.count; at++) {
    const uint64_t id = block.ids[at * kIdWords + 1];
    CHECK(filled.seqs.contains(id));
    CHECK_EQUAL(++seen[id], 1);
  }
  const auto estimate = estimateCount(filled.shard.snapshot(), 2, std::nullopt, nullptr);
  REQUIRE(estimate.isOk());
  CHECK(std::fabs(double(*estimate) - double(filled.seqs.size())) < 10);
}
