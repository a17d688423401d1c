// Block files as bytes: read, changed, and given right checksums again, as a forger would.
#pragma once

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "base/crc32c.hpp"
#include "segment/block_file.hpp"

namespace vicinal::test {

inline std::string readAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void writeAll(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

template <typename T> T field(const std::string& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

inline void setCrc(std::string& bytes, size_t at, uint32_t crc) {
  std::memcpy(bytes.data() + at, &crc, sizeof crc);
}

// Corrects every checksum of a file whose header gives the position of its block table.
inline void forge(std::string& bytes) {
  const uint64_t blocksAt = field<uint64_t>(bytes, 40);
  uint64_t crcAt = blocksAt;
  for (uint64_t at = kSectionAlignment; at < blocksAt; at += kBlockBytes, crcAt += sizeof(uint32_t))
    setCrc(bytes, crcAt, crc32c(bytes.data() + at, std::min<uint64_t>(kBlockBytes, blocksAt - at)));
  setCrc(bytes, 52, crc32c(bytes.data() + blocksAt, crcAt - blocksAt));
  setCrc(bytes, 60, crc32c(bytes.data(), 60));
}

} // namespace vicinal::test
