#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vicinal {

// 32-bit words of an id at the native boundary: kind, then four words (core/point-id.ts has the
// encoding).
constexpr size_t kIdWords = 5;

// A point's id: an unsigned 64-bit number (in `low`), or a UUID as two big-endian halves. Numbers
// sort before UUIDs; UUIDs sort like their texts.
struct PointId {
  bool uuid = false;
  uint64_t high = 0;
  uint64_t low = 0;

  static PointId number(uint64_t value) { return {false, 0, value}; }

  auto operator<=>(const PointId&) const = default;

  uint64_t hash() const {
    // Two rounds of a multiply-xorshift mixer, because ids are often consecutive and the map probes
    // linearly.
    uint64_t x = low ^ (high * 0x9e3779b97f4a7c15ULL) ^ (uuid ? 0xd6e8feb86659fd93ULL : 0);
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
    return x ^ (x >> 32);
  }
};

// False if the words are not an id: an unknown kind, or high words set on a number.
bool decodePointId(const uint32_t* words, PointId& id);
void encodePointId(const PointId& id, uint32_t* words);

// Decimal digits, or a lower-case UUID with hyphens.
void appendPointIdText(const PointId& id, std::string& text);
bool parsePointIdText(std::string_view text, PointId& id);

} // namespace vicinal
