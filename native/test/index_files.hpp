// A segment file with payload index files of every kind beside it, and their bytes.
#pragma once

#include <algorithm>
#include <bit>

#include "block_bytes.hpp"
#include "harness.hpp"
#include "segment/index_file.hpp"
#include "shard_fixture.hpp"

namespace vicinal::test {

constexpr uint32_t kFiledPoints = 150;
constexpr const char* kTestUuid = "0191a0b2-7c4d-4e11-9f00-01234567890";

inline const std::vector<IndexField>& filedFields() {
  using enum PayloadIndexKind;
  static const std::vector<IndexField> all = {
      {"word", Keyword, {}, true}, {"n", Integer, {}, true},   {"x", Float, {}, true},
      {"flag", Bool, {}, true},    {"at", DateTime, {}, true}, {"key", Uuid, {}, true},
      {"place", Geo, {}, true},    {"text", Text, {}, true}};
  return all;
}

inline std::string filedPayload(uint64_t id) {
  const std::string n = std::to_string(id % 7), m = std::to_string(id % 10);
  const auto object = [](const std::vector<std::string>& values) {
    std::string text;
    for (size_t at = 0; at < filedFields().size(); at++)
      text += (at == 0 ? "{\"" : ",\"") + filedFields()[at].field + "\":" + values[at];
    return text + "}";
  };
  const std::string place = "{\"lon\":" + n + ",\"lat\":-" + m + "}";
  const std::string at = "\"2020-01-0" + std::to_string(1 + id % 9) + "T00:00:00Z\"";
  const std::string word = "\"red " + n + "\"", key = "\"" + (kTestUuid + m) + "\"";
  const char* const flag = id % 2 == 0 ? "true" : "false";
  switch (id % 17) {
  case 0: return "{}";
  case 1: return object(std::vector<std::string>(filedFields().size(), "null"));
  case 2: return object(std::vector<std::string>(filedFields().size(), "[7,\"7\",null,7]"));
  case 3:
    return object({"[" + word + ",\"\"]", "[" + n + ",-" + m + "]", "[" + n + ".5,1]",
                   "[true,false]", "[" + at + "]", "[" + key + "]", "[" + place + "]",
                   "[\"house " + m + "\",\"red\"]"});
  default:
    return object({word, n, n + ".25", flag, at, key, place, "\"red house " + m + " " + n + "\""});
  }
}

struct IndexedBatch : TestBatch {
  IndexedBatch(uint64_t from, uint32_t count, uint64_t seq) : TestBatch(from, count, seq) {
    texts.clear();
    offsets = {0};
    for (uint32_t at = 0; at < count; at++) {
      texts += filedPayload(from + at);
      offsets.push_back(uint32_t(texts.size()));
    }
    columns.payloadBytes = texts.data();
    columns.payloadOffsets = offsets.data();
  }
};

// A segment file, and an index file of each kind beside it.
struct IndexedFiles {
  FileStamp segment;
  // By field.
  std::vector<std::string> paths;
  std::vector<std::string> wholes;
};

inline IndexedFiles writeIndexed(ThreadPool& pool) {
  Shard shard(testSpec(), pool);
  for (const IndexField& field : filedFields()) CHECK(shard.createPayloadIndex(field).isOk());
  if (!shard.upsert(IndexedBatch(0, kFiledPoints, 1).columns) || !waitForIndex(shard)) return {};
  const auto files = shard.checkpoint(scratchFolder());
  if (!files) return {};
  IndexedFiles written{files->segments[0].base, {}, {}};
  for (const IndexField& field : filedFields()) {
    written.paths.push_back(indexPath(written.segment.path, field));
    written.wholes.push_back(readAll(written.paths.back()));
  }
  return written;
}

// An index file as docs/data-format.md has it.
class IndexBytes {
public:
  static constexpr size_t kFlags = 7, kArrays = 15, kFlagCountsAt = 24, kArraysAt = 56,
                          kArrayBytes = 16;
  static constexpr size_t kWidths[kArrays] = {8, 8, 8, 8, 8, 8, 8, 8, 1, 8, 4, 8, 4, 8, 4};
  // Behind integers and numbers come their rows.
  static constexpr size_t kTrues = 5, kTextAt = 7, kRowsAt = 9, kRows = 10, kIntegers = 11,
                          kNumbers = 13;

  explicit IndexBytes(const std::string& whole) : bytes_(whole) {}

  uint64_t directoryAt() const { return field<uint64_t>(bytes_, 24); }
  uint64_t sectionAt() const { return field<uint64_t>(bytes_, directoryAt() + 8); }
  uint64_t offsetOf(size_t array) const {
    return field<uint64_t>(bytes_, directoryAt() + kArraysAt + array * kArrayBytes);
  }
  uint64_t countOf(size_t array) const {
    return field<uint64_t>(bytes_, directoryAt() + kArraysAt + array * kArrayBytes + 8);
  }
  // Where it is in the file.
  size_t begin(size_t array) const { return sectionAt() + offsetOf(array); }
  size_t end(size_t array) const { return begin(array) + countOf(array) * kWidths[array]; }

  template <typename T> T value(size_t array, size_t number) const {
    return field<T>(bytes_, begin(array) + number * sizeof(T));
  }
  template <typename T> void put(size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  // Gives it the other's values, or the first of them.
  void giveArray(size_t array, size_t from, uint64_t count) {
    const size_t at = directoryAt() + kArraysAt + array * kArrayBytes;
    const uint64_t offset = offsetOf(from), all = countOf(from);
    put(at, offset);
    put(at + 8, count > 0 ? count : all);
  }
  // The directory counts the set flags.
  void countFlags() {
    for (size_t flag = 0; flag < kFlags; flag++) {
      if (std::max(sectionAt(), offsetOf(flag)) > bytes_.size() || countOf(flag) > kFiledPoints ||
          end(flag) > directoryAt())
        continue;
      uint32_t set = 0;
      for (size_t at = begin(flag); at < end(flag); at++)
        set += uint32_t(std::popcount(static_cast<unsigned char>(bytes_[at])));
      put(directoryAt() + kFlagCountsAt + flag * sizeof set, set);
    }
  }

  // With right checksums.
  std::string forged() {
    forge(bytes_);
    return std::move(bytes_);
  }

protected:
  std::string bytes_;
};

} // namespace vicinal::test
