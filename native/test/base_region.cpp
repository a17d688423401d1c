#include "base/region.hpp"

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "test/harness.hpp"

using namespace vicinal;

SOLO_TEST("a region grows without moving and reads as zero where nothing was written") {
  auto array = RegionArray<uint32_t>::reserve(10'000'000, Region::Pages::Huge).take();
  const uint32_t* before = array.data();
  for (uint32_t count : {1u, 1000u, 20'000u, 9'999'999u}) {
    CHECK(array.grow(count).isOk());
    CHECK_EQUAL(array.size(), uint64_t(count));
    CHECK_EQUAL(array[count - 1], 0u);
    array[count - 1] = count;
  }
  CHECK(array.data() == before);
  CHECK_EQUAL(array[19'999], 20'000u);
  CHECK(array.grow(5).isOk());
  CHECK_EQUAL(array.size(), uint64_t(9'999'999));
}

SOLO_TEST("letRead makes ungrown parts read as zeros, takes no memory and allows growth") {
  auto array = RegionArray<uint32_t>::reserve(10'000'000).take();
  CHECK(array.grow(1000).isOk());
  CHECK(array.letRead().isOk());
  CHECK_EQUAL(array.size(), uint64_t(1000));
  uint32_t sum = 0;
  for (uint64_t at = 0; at < array.capacity(); at += 512) sum |= array[at];
  CHECK_EQUAL(sum, 0u);
  CHECK(array.grow(5'000'000).isOk());
  array[4'999'999] = 7;
  CHECK_EQUAL(array[4'999'999], 7u);
}

SOLO_TEST("a region refuses to grow past what it reserved, and stays as it was") {
  auto region = Region::reserve(100'000).take();
  CHECK(region.grow(50'000).isOk());
  CHECK(region.grow(region.capacity() + 1).code() == Code::TooLarge);
  CHECK_EQUAL(region.size(), size_t(50'000));
  CHECK(region.grow(region.capacity()).isOk());
  CHECK(!Region::reserve(SIZE_MAX).isOk());
}

namespace {

std::string writeFile(const char* name, const std::string& content) {
  const std::string path = vicinal::test::scratchFolder() + "/" + name;
  auto writer = FileWriter::create(path).take();
  if (!writer.append(content).isOk() || !writer.finish().isOk()) std::abort();
  return path;
}

} // namespace

SOLO_TEST("a region that starts with a file grows behind it and leaves the file alone") {
  const size_t page = pageBytes();
  std::string content(3 * page + 100, 'x');
  content[page] = 'a';
  const std::string path = writeFile("mapped", content + std::string(page, 'y'));
  auto file = File::openRead(path).take();
  auto array = RegionArray<char>::reserve(100 * page).take();
  CHECK(array.mapFile(file.descriptor(), page, 2 * page + 100).isOk());
  CHECK(file.close().isOk());
  CHECK_EQUAL(array[0], 'a');
  CHECK_EQUAL(array[2 * page + 99], 'x');
  array[0] = 'b';
  CHECK(array.grow(50 * page).isOk());
  // The file has more bytes here, but the region reads zero.
  CHECK_EQUAL(int(array[2 * page + 100]), 0);
  CHECK_EQUAL(int(array[50 * page - 1]), 0);
  array[50 * page - 1] = 'c';
  CHECK_EQUAL(array[0], 'b');
  auto again = File::openRead(path).take();
  char stored = 0;
  CHECK(again.readAt(page, &stored, 1).isOk());
  CHECK_EQUAL(stored, 'a');
}

SOLO_TEST("a large file in a region of huge pages reads as the file, then zeros, and changes stay "
          "private") {
  constexpr uint64_t count = 6'000'001;
  std::string content(count * sizeof(uint32_t), '\0');
  for (uint32_t i = 0; i < count; i++) std::memcpy(&content[i * sizeof i], &i, sizeof i);
  const std::string path = writeFile("large", content);
  auto file = File::openRead(path).take();
  for (const auto pages : {Region::Pages::HugeAsGrown, Region::Pages::Huge}) {
    auto array = RegionArray<uint32_t>::reserve(10'000'000, pages).take();
    CHECK(array.mapFile(file.descriptor(), 0, count).isOk());
    CHECK_EQUAL(array.size(), count);
    // A mapping shows later changes of the file; a copy does not.
    if (pages == Region::Pages::HugeAsGrown) {
      constexpr uint32_t middle = count / 2;
      std::fstream changed(path, std::ios::in | std::ios::out | std::ios::binary);
      for (const uint32_t value : {77u, middle}) {
        changed.seekp(std::streamoff(middle * sizeof value));
        changed.write(reinterpret_cast<const char*>(&value), sizeof value).flush();
        CHECK_EQUAL(array[middle], value);
      }
    }
    uint64_t wrong = 0;
    for (uint32_t i = 0; i < count; i++) wrong += array[i] != i;
    CHECK_EQUAL(wrong, uint64_t(0));
    array[count - 1] = 7;
    CHECK(array.grow(9'000'000).isOk());
    CHECK_EQUAL(array[count], 0u);
    CHECK_EQUAL(array[8'999'999], 0u);
    array[8'999'999] = 9;
    CHECK_EQUAL(array[8'999'999], 9u);
  }
  uint32_t stored = 0;
  CHECK(file.readAt((count - 1) * sizeof stored, &stored, sizeof stored).isOk());
  CHECK_EQUAL(stored, uint32_t(count - 1));
}

SOLO_TEST("mapping more than a file holds is refused before it can kill the process") {
  const std::string path = writeFile("short", std::string(100, 'x'));
  auto file = File::openRead(path).take();
  auto region = Region::reserve(1 << 20).take();
  CHECK(region.mapFile(file.descriptor(), 0, 101).code() == Code::Corrupt);
  CHECK(region.mapFile(file.descriptor(), pageBytes(), 1).code() == Code::Corrupt);
  CHECK(region.mapFile(file.descriptor(), 0, 100).isOk());
  CHECK(region.mapFile(file.descriptor(), 0, 100).code() == Code::Internal);
}

SOLO_TEST("a moved region belongs to its new owner only") {
  auto first = RegionArray<int>::reserve(1000).take();
  CHECK(first.push(7).isOk());
  RegionArray<int> second = std::move(first);
  CHECK_EQUAL(second[0], 7);
  CHECK_EQUAL(first.size(), uint64_t(0));
  second = RegionArray<int>::reserve(10).take();
  CHECK_EQUAL(second.size(), uint64_t(0));
}

SOLO_TEST("memory replaced by a file keeps its values, and the rest stays writable") {
  std::vector<uint32_t> values(300'000);
  for (size_t i = 0; i < values.size(); i++) values[i] = uint32_t(i * 7);
  const std::string path =
      writeFile("taken-over", std::string(reinterpret_cast<const char*>(values.data()),
                                          values.size() * sizeof(uint32_t)));
  auto array = RegionArray<uint32_t>::reserve(1'000'000).take();
  CHECK(array.append(values.data(), values.size()).isOk());
  auto file = File::openRead(path).take();
  CHECK(array.replaceByFile(file.descriptor(), 0, values.size()).isOk());
  CHECK(std::memcmp(array.data(), values.data(), values.size() * sizeof(uint32_t)) == 0);
  for (uint32_t i = 0; i < 1000; i++) CHECK(array.push(i).isOk());
  CHECK_EQUAL(array[values.size() + 999], 999u);
  CHECK_EQUAL(array[values.size() - 1], values.back());
}

SOLO_TEST("bytes in the system's cache are read without waiting, and never past the end") {
  const std::string path = writeFile("cached", std::string(10'000, 'c'));
  auto file = File::openRead(path).take();
  std::string read(100, ' ');
  CHECK(file.readAt(500, read.data(), read.size()).isOk());
  const Status status = file.readCachedAt(600, read.data(), read.size());
  CHECK(status.isOk() || status.code() == Code::Cancelled);
  CHECK(!file.readCachedAt(9'990, read.data(), read.size()).isOk());
}
