// Filter programs, written byte by byte.
#pragma once

#include <cstring>
#include <string_view>
#include <vector>

#include "filter/program.hpp"

namespace vicinal::test {

constexpr uint32_t kVectors = 3;

// Writes programs like src/filter/program.ts.
struct Bytes {
  std::vector<uint8_t> bytes;

  template <typename T> Bytes& put(T value) {
    const size_t at = bytes.size();
    bytes.resize(at + sizeof(T));
    std::memcpy(bytes.data() + at, &value, sizeof(T));
    return *this;
  }
  Bytes& op(FilterOp op) { return put(static_cast<uint8_t>(op)); }
  Bytes& text(std::string_view text) {
    put(static_cast<uint32_t>(text.size()));
    bytes.insert(bytes.end(), text.begin(), text.end());
    return *this;
  }
  // The path `a[].b`.
  Bytes& path() {
    return put<uint8_t>(3).put<uint8_t>(0).text("a").put<uint8_t>(1).put<uint8_t>(0).text("b");
  }

  Result<FilterProgram> decode(const std::vector<TextField>& fields = {}) const {
    // On the heap with the exact size, so that the sanitizer detects a read one byte too far.
    const std::vector<uint8_t> exact(bytes);
    WorkMeter work;
    return FilterProgram::decode(exact.data(), exact.size(), kVectors, fields, work);
  }
};

// Accepts rows whose field has a number in [from, to).
inline std::vector<uint8_t> numberRange(std::string_view field, double from, double to) {
  constexpr uint8_t kLessAndAtLeast = 1 | 8;
  return Bytes{}
      .op(FilterOp::NumberRange)
      .put<uint8_t>(1)
      .put<uint8_t>(0)
      .text(field)
      .put(kLessAndAtLeast)
      .put(to)
      .put(from)
      .bytes;
}

} // namespace vicinal::test
