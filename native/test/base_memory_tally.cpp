#include "base/memory_tally.hpp"

#include <cstring>
#include <string>

#include "base/file.hpp"
#include "test/harness.hpp"

using namespace vicinal;

SOLO_TEST("written memory is resident; reserved, grown or read memory is not") {
  const MemoryTally tally;
  const size_t page = pageBytes();
  auto region = Region::reserve(1000 * page).take();
  CHECK(region.grow(600 * page).isOk());
  MemoryPart part;
  tally.add(part, region);
  CHECK_EQUAL(part.bytes, uint64_t(600 * page));
  CHECK_EQUAL(part.resident, uint64_t(0));
  std::memset(region.data(), 1, 200 * page);
  std::byte sum{};
  for (size_t at = 300; at < 400; at++) sum |= region.data()[at * page];
  CHECK(sum == std::byte{});
  part = {};
  tally.add(part, region);
  CHECK_EQUAL(part.resident, uint64_t(200 * page));
  CHECK_EQUAL(part.cache, uint64_t(0));
}

SOLO_TEST("pages of a mapped file count as cache until they are written to") {
  const MemoryTally tally;
  const size_t page = pageBytes();
  const std::string path = vicinal::test::scratchFolder() + "/tallied";
  auto writer = FileWriter::create(path).take();
  CHECK(writer.append(std::string(64 * page, 'x')).isOk() && writer.finish().isOk());
  auto file = File::openRead(path).take();
  auto region = Region::reserve(100 * page).take();
  CHECK(region.mapFile(file.descriptor(), 0, 64 * page).isOk());
  size_t sum = 0;
  for (size_t at = 0; at < 64; at++) sum += size_t(region.data()[at * page]);
  CHECK_EQUAL(sum, size_t(64 * 'x'));
  for (size_t at = 0; at < 10; at++) region.data()[at * page] = std::byte('y');
  MemoryPart part;
  tally.add(part, region);
  CHECK_EQUAL(part.bytes, uint64_t(64 * page));
  CHECK_EQUAL(part.resident, uint64_t(64 * page));
  CHECK_EQUAL(part.cache, uint64_t(54 * page));
}

SOLO_TEST("the process's resident memory exceeds that of its parts and includes file pages") {
  const ProcessMemory memory = processMemory();
  CHECK(memory.resident > memory.file);
  CHECK(memory.file > 0);
}
