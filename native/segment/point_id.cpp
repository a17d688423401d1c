#include "segment/point_id.hpp"

#include <charconv>

namespace vicinal {

namespace {

constexpr uint32_t kKindNumber = 0;
constexpr uint32_t kKindUuid = 1;
constexpr size_t kUuidChars = 36;

bool isHyphenPosition(size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

} // namespace

bool decodePointId(const uint32_t* words, PointId& id) {
  if (words[0] == kKindNumber) {
    id = PointId::number(static_cast<uint64_t>(words[2]) << 32 | words[1]);
    return words[3] == 0 && words[4] == 0;
  }
  id.uuid = true;
  id.high = static_cast<uint64_t>(words[1]) << 32 | words[2];
  id.low = static_cast<uint64_t>(words[3]) << 32 | words[4];
  return words[0] == kKindUuid;
}

void encodePointId(const PointId& id, uint32_t* words) {
  if (!id.uuid) {
    words[0] = kKindNumber;
    words[1] = static_cast<uint32_t>(id.low);
    words[2] = static_cast<uint32_t>(id.low >> 32);
    words[3] = 0;
    words[4] = 0;
    return;
  }
  words[0] = kKindUuid;
  words[1] = static_cast<uint32_t>(id.high >> 32);
  words[2] = static_cast<uint32_t>(id.high);
  words[3] = static_cast<uint32_t>(id.low >> 32);
  words[4] = static_cast<uint32_t>(id.low);
}

void appendPointIdText(const PointId& id, std::string& text) {
  if (!id.uuid) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, id.low);
    text.append(digits, end.ptr);
    return;
  }
  static constexpr char kHex[] = "0123456789abcdef";
  char chars[kUuidChars];
  size_t nibble = 0;
  for (size_t at = 0; at < kUuidChars; at++) {
    if (isHyphenPosition(at)) {
      chars[at] = '-';
      continue;
    }
    const uint64_t half = nibble < 16 ? id.high : id.low;
    chars[at] = kHex[half >> (60 - 4 * (nibble % 16)) & 15];
    nibble++;
  }
  text.append(chars, kUuidChars);
}

bool parsePointIdText(std::string_view text, PointId& id) {
  if (text.size() != kUuidChars) {
    id = PointId{};
    const auto end = std::from_chars(text.data(), text.data() + text.size(), id.low);
    return end.ec == std::errc() && end.ptr == text.data() + text.size();
  }
  id = PointId{true, 0, 0};
  for (size_t at = 0; at < kUuidChars; at++) {
    if (isHyphenPosition(at)) {
      if (text[at] != '-') return false;
      continue;
    }
    const int value = hexValue(text[at]);
    if (value < 0) return false;
    id.high = id.high << 4 | id.low >> 60;
    id.low = id.low << 4 | static_cast<uint64_t>(value);
  }
  return true;
}

} // namespace vicinal
