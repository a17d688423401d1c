#include "filter/json_walk.hpp"

#include <charconv>
#include <cstring>

namespace vicinal {

namespace {

// The closing quote of the string whose characters start at `at`, or null.
const char* closingQuote(const char* at, const char* end) {
  for (const char* from = at; from < end;) {
    const void* found = std::memchr(from, '"', static_cast<size_t>(end - from));
    if (found == nullptr) return nullptr;
    const char* quote = static_cast<const char*>(found);
    // A quote after an odd number of backslashes is part of the string.
    const char* slash = quote;
    while (slash > at && slash[-1] == '\\') slash--;
    if ((quote - slash) % 2 == 0) return quote;
    from = quote + 1;
  }
  return nullptr;
}

// The position behind the bracket that closes the one at `at`. Both kinds of brackets count alike:
// staying within the text does not require that they pair up.
const char* skipBrackets(const char* at, const char* end) {
  size_t depth = 0;
  for (; at < end; at++) {
    if (*at == '"') {
      at = closingQuote(at + 1, end);
      if (at == nullptr) return nullptr;
    } else if (*at == '{' || *at == '[') {
      depth++;
    } else if (*at == '}' || *at == ']') {
      if (--depth == 0) return at + 1;
    }
  }
  return nullptr;
}

bool isNumberCharacter(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

bool startsWith(const char* at, const char* end, std::string_view word) {
  return static_cast<size_t>(end - at) >= word.size() &&
         std::memcmp(at, word.data(), word.size()) == 0;
}

// The value of four hexadecimal digits at `at`, or -1.
int32_t codeUnit(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  uint32_t unit = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 4, unit, 16);
  return error == std::errc() && end == text.data() + at + 4 ? static_cast<int32_t>(unit) : -1;
}

void appendUtf8(uint32_t point, std::string& into) {
  const auto tail = [](uint32_t bits) { return static_cast<char>(0x80 | (bits & 0x3f)); };
  if (point < 0x80) {
    into += static_cast<char>(point);
  } else if (point < 0x800) {
    into += {static_cast<char>(0xc0 | point >> 6), tail(point)};
  } else if (point < 0x10000) {
    into += {static_cast<char>(0xe0 | point >> 12), tail(point >> 6), tail(point)};
  } else {
    into +=
        {static_cast<char>(0xf0 | point >> 18), tail(point >> 12), tail(point >> 6), tail(point)};
  }
}

// Appends the character of a `\uXXXX` escape whose digits start at `at`. Returns the position
// behind the escape.
size_t appendUnicodeEscape(std::string_view raw, size_t at, std::string& into) {
  constexpr int32_t firstHigh = 0xd800, firstLow = 0xdc00, behindLow = 0xe000;
  const int32_t unit = codeUnit(raw, at);
  if (unit < 0) return at;
  at += 4;
  if (unit >= firstHigh && unit < firstLow && raw.substr(at, 2) == "\\u") {
    const int32_t low = codeUnit(raw, at + 2);
    if (low >= firstLow && low < behindLow) {
      appendUtf8(0x10000u + (static_cast<uint32_t>(unit - firstHigh) << 10) +
                     static_cast<uint32_t>(low - firstLow),
                 into);
      return at + 6;
    }
  }
  appendUtf8(static_cast<uint32_t>(unit), into);
  return at;
}

} // namespace

void unescapeJson(std::string_view raw, std::string& into) {
  into.clear();
  for (size_t at = 0; at < raw.size();) {
    const size_t slash = raw.find('\\', at);
    if (slash == std::string_view::npos || slash + 1 == raw.size()) {
      into += raw.substr(at);
      return;
    }
    into += raw.substr(at, slash - at);
    const char letter = raw[slash + 1];
    at = slash + 2;
    switch (letter) {
    case 'b': into += '\b'; break;
    case 'f': into += '\f'; break;
    case 'n': into += '\n'; break;
    case 'r': into += '\r'; break;
    case 't': into += '\t'; break;
    case 'u': at = appendUnicodeEscape(raw, at, into); break;
    default: into += letter; break;
    }
  }
}

bool isSameKey(std::string_view raw, std::string_view key) {
  if (raw == key) return raw.find('\\') == std::string_view::npos;
  // Escapes only make a text longer, so a shorter raw key cannot match.
  if (raw.size() <= key.size() || raw.find('\\') == std::string_view::npos) return false;
  std::string plain;
  unescapeJson(raw, plain);
  return plain == key;
}

JsonKind JsonValue::kind() const {
  if (at_ == end_) return JsonKind::Invalid;
  switch (*at_) {
  case '"': return JsonKind::String;
  case '{': return JsonKind::Object;
  case '[': return JsonKind::Array;
  case 'n': return startsWith(at_, end_, "null") ? JsonKind::Null : JsonKind::Invalid;
  case 't': return startsWith(at_, end_, "true") ? JsonKind::True : JsonKind::Invalid;
  case 'f': return startsWith(at_, end_, "false") ? JsonKind::False : JsonKind::Invalid;
  default:
    return *at_ == '-' || (*at_ >= '0' && *at_ <= '9') ? JsonKind::Number : JsonKind::Invalid;
  }
}

const char* JsonValue::skip() const {
  switch (kind()) {
  case JsonKind::String: {
    const char* quote = closingQuote(at_ + 1, end_);
    return quote == nullptr ? nullptr : quote + 1;
  }
  case JsonKind::Object:
  case JsonKind::Array: return skipBrackets(at_, end_);
  case JsonKind::Null:
  case JsonKind::True: return at_ + 4;
  case JsonKind::False: return at_ + 5;
  case JsonKind::Number: return at_ + numberText().size();
  case JsonKind::Invalid: break;
  }
  return nullptr;
}

std::string_view JsonValue::numberText() const {
  const char* to = at_;
  while (to != end_ && isNumberCharacter(*to)) to++;
  return {at_, static_cast<size_t>(to - at_)};
}

std::optional<int64_t> JsonValue::integer() const {
  if (kind() != JsonKind::Number) return std::nullopt;
  const std::string_view text = numberText();
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> JsonValue::number() const {
  if (const auto whole = integer()) return static_cast<double>(*whole);
  if (kind() != JsonKind::Number) return std::nullopt;
  const std::string_view text = numberText();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string_view> JsonValue::rawText() const {
  if (at_ == end_ || *at_ != '"') return std::nullopt;
  const char* quote = closingQuote(at_ + 1, end_);
  if (quote == nullptr) return std::nullopt;
  return std::string_view(at_ + 1, static_cast<size_t>(quote - at_ - 1));
}

std::optional<std::string_view> JsonValue::text(std::string& scratch) const {
  const auto raw = rawText();
  if (!raw || raw->find('\\') == std::string_view::npos) return raw;
  unescapeJson(*raw, scratch);
  return scratch;
}

bool JsonValue::isEmptyArray() const {
  return kind() == JsonKind::Array && !visitElements([](JsonValue) { return true; });
}

} // namespace vicinal
