#include "block_bytes.hpp"
#include "harness.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

std::string writeSegment(Shard& shard, uint32_t points) {
  if (!shard.upsert(TestBatch(0, points, 1).columns) || !waitForIndex(shard)) return {};
  auto result = shard.checkpoint(scratchFolder());
  return result ? result->segments[0].base.path : std::string();
}

} // namespace

ANSWERS_TEST("any changed byte, and any cut, of a segment file is reported") {
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  const std::string path = writeSegment(shard, 300);
  REQUIRE(!path.empty());
  const std::string whole = readAll(path);
  const std::string copy = path + ".copy";
  std::mt19937 random(3);
  for (int round = 0; round < 300; round++) {
    std::string bytes = whole;
    if (round % 3 == 0)
      bytes.resize(random() % whole.size());
    else
      bytes[round < 150 ? round % 64 : random() % whole.size()] ^=
          static_cast<char>(1 + random() % 255);
    writeAll(copy, bytes);
    auto opened = openSegment({copy, {}, {}, {}}, 0, testSpec().vectors, {}, 0);
    CHECK(!opened.isOk());
    if (!opened) CHECK_EQUAL(codeName(opened.status().code()), std::string("CORRUPT"));
  }
}

ANSWERS_TEST("a forged directory or graph, checksums and all, never crashes the opener") {
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  const std::string path = writeSegment(shard, 300);
  REQUIRE(!path.empty());
  const std::string whole = readAll(path);
  const std::string copy = path + ".forged";
  std::mt19937 random(4);
  const int rounds = isSlow() ? 1500 : 6000;
  for (int round = 0; round < rounds; round++) {
    std::string bytes = whole;
    const uint64_t directoryAt = field<uint64_t>(bytes, 24);
    const uint64_t directoryBytes = field<uint64_t>(bytes, 32);
    const uint64_t graphBytes = 300 * 17 * sizeof(uint32_t);
    const bool inDirectory = round % 2 == 0;
    for (int change = 0; change < 1 + round % 3; change++) {
      const uint64_t at = inDirectory ? directoryAt + random() % directoryBytes
                                      : kSectionAlignment + random() % graphBytes;
      bytes[at] = static_cast<char>(random());
    }
    forge(bytes);
    writeAll(copy, bytes);
    const auto opened = openSegment({copy, {}, {}, {}}, 0, testSpec().vectors, {}, 0);
    (void)opened;
  }
  CHECK(openSegment({path, {}, {}, {}}, 0, testSpec().vectors, {}, 0).isOk());
}

TEST("an opened segment answers like the written one and goes on growing") {
  ThreadPool pool(2);
  Shard shard(testSpec(), pool);
  REQUIRE(shard.upsert(TestBatch(0, 500, 1).columns).isOk());
  REQUIRE(shard.deletePoints(testIds(10, 20), 2).isOk());
  TestBatch changed(100, 5, 3);
  REQUIRE(shard.setPayloads(changed.columns).isOk());
  REQUIRE(waitForIndex(shard).isOk());
  auto written = shard.checkpoint(scratchFolder());
  REQUIRE(written.isOk());
  Shard again(testSpec(), pool);
  REQUIRE(again
              .openSegment({written->segments[0].base.path, written->segments[0].base.crc, {}, {}},
                           true)
              .isOk());
  for (uint32_t seed = 0; seed < 20; seed++)
    CHECK_EQUAL(answer(again, testSearch(seed)), answer(shard, testSearch(seed)));
  REQUIRE(again.upsert(TestBatch(495, 300, 4).columns).isOk());
  REQUIRE(shard.upsert(TestBatch(495, 300, 4).columns).isOk());
  REQUIRE(waitForIndex(again).isOk());
  CHECK_EQUAL(pointsOf(again), pointsOf(shard));
  CHECK_EQUAL(again.validate().size(), size_t(0));
  SearchRequest exact = testSearch(1, 50);
  exact.isExact = true;
  CHECK_EQUAL(answer(again, exact), answer(shard, exact));
}
