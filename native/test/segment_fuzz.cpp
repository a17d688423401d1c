// Damaged files of segments, overlays and payload indexes, with wrong or corrected checksums, such
// as an untrusted snapshot may contain. They are opened and answered from, or refused. The seed is
// printed; VICINAL_TEST_SEED sets it.
#include <unistd.h>

#include "damage.hpp"
#include "harness.hpp"
#include "segment/index_file.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kPoints = 40;

// Vectors of two datatypes.
ShardSpec narrowSpec() {
  ShardSpec spec = testSpec();
  spec.vectors[0].datatype = Datatype::Float16;
  spec.vectors[1].datatype = Datatype::Uint8;
  return spec;
}

// Runs every kind of read on an opened shard.
void useAll(Shard& shard) {
  answer(shard, testSearch(1));
  pointsOf(shard);
  CHECK(shard.createPayloadIndex({"n", PayloadIndexKind::Integer, {}, false}).isOk());
  shard.validate();
}

struct Written {
  std::string segment;
  std::string overlay;
};

Written write(Shard& shard) {
  TestBatch batch(0, kPoints, 1);
  std::string texts;
  std::vector<uint32_t> offsets{0};
  for (uint32_t row = 0; row < kPoints; row++) {
    texts += "{\"n\":" + std::to_string(row % 9) + ",\"word\":\"red house " +
             std::to_string(row % 5) + "\"}";
    offsets.push_back(static_cast<uint32_t>(texts.size()));
  }
  batch.columns.payloadBytes = texts.data();
  batch.columns.payloadOffsets = offsets.data();
  if (!shard.upsert(batch.columns) || !waitForIndex(shard)) return {};
  auto first = shard.checkpoint(scratchFolder());
  if (!first || !shard.deletePoints(testIds(3, 2), 2)) return {};
  TestBatch changed(10, 3, 3);
  if (!shard.setPayloads(changed.columns)) return {};
  auto second = shard.checkpoint(scratchFolder());
  if (!second || !second->segments[0].overlay) return {};
  return {second->segments[0].base.path, second->segments[0].overlay->path};
}

} // namespace

ANSWERS_TEST("damaged segment files and overlays are answered from or refused") {
  ThreadPool pool(2);
  Damage damage;
  Shard source(narrowSpec(), pool);
  const Written written = write(source);
  REQUIRE(!written.segment.empty());
  const std::string segment = readAll(written.segment), overlay = readAll(written.overlay);
  const std::string segmentCopy = written.segment + ".fuzz";
  const std::string overlayCopy = written.overlay + ".fuzz";
  int opened = 0;
  const int executions = isSlow() ? 2000 : 8000;
  for (int round = 0; round < executions; round++) {
    Shard shard(narrowSpec(), pool);
    const bool isOfOverlay = round % 2 == 0;
    writeAll(segmentCopy, isOfOverlay ? segment : damage.of(segment, true));
    SegmentSource from{segmentCopy, std::nullopt, {}, std::nullopt};
    if (isOfOverlay) {
      writeAll(overlayCopy, damage.of(overlay, true));
      from.overlayPath = overlayCopy;
    }
    const auto found = shard.openSegment(from, round % 4 < 2);
    if (!found) {
      CHECK(isRefusal(found.status()));
      continue;
    }
    opened++;
    useAll(shard);
  }
  ::unlink(segmentCopy.c_str());
  ::unlink(overlayCopy.c_str());
  CHECK(opened > executions / 100);
}

ANSWERS_TEST("damaged files of payload indexes are answered from or refused") {
  ThreadPool pool(2);
  Damage damage;
  Shard source(testSpec(), pool);
  const Written written = write(source);
  REQUIRE(!written.segment.empty());
  const auto base = source.checkpoint(scratchFolder());
  REQUIRE(base);
  int opened = 0;
  const int executions = isSlow() ? 5000 : 20000;
  for (const PayloadIndexKind kind : {PayloadIndexKind::Integer, PayloadIndexKind::Text}) {
    const IndexField field{kind == PayloadIndexKind::Integer ? "n" : "word", kind, {}, true};
    REQUIRE(source.createPayloadIndex(field).isOk());
    const FileStamp& stamp = base->segments[0].base;
    const std::string path = indexPath(stamp.path, field);
    const std::string whole = readAll(path);
    REQUIRE(whole.size() > kSectionAlignment);
    for (int round = 0; round < executions / 2; round++) {
      ::unlink(path.c_str());
      writeAll(path, damage.of(whole, true));
      auto filed = openIndexFile(field, stamp, kPoints);
      if (!filed) {
        CHECK(isRefusal(filed.status()));
        continue;
      }
      opened++;
      auto index = PayloadIndex::create(field.field, field.kind, field.text).take();
      index->adopt(filed.take());
      uint64_t sum = index->points();
      index->readValues([&](const IndexedValues& values) {
        values.texts.forEach([&](std::string_view text, const RowList& rows) {
          sum += text.size() + values.texts.find(text).count();
          rows.forEach([&](uint32_t row) { sum += row; });
        });
        values.integers.forEach([&](int64_t, uint32_t row) { sum += row; });
        RowBitmap all(kPoints);
        for (const RowFlags* flags : values.flags()) flags->addTo(all);
        sum += all.count();
      });
      index->build([](uint32_t) { return std::string_view("{\"n\":7,\"word\":\"a b\"}"); }, kPoints,
                   kPoints + 70);
      CHECK(sum < UINT64_MAX && index->covered() == kPoints + 70);
    }
  }
  CHECK(opened > executions / 100);
}
