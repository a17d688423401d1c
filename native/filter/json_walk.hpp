// A lazy walk over JSON text. Values are positions in the text; a walk skips them by brackets and
// quotes. Numbers and strings are decoded only when a condition compares them.
//
// The text is not trusted. A walk stays inside [begin, end), stops at anything that is not JSON,
// and uses stack only by the length of a path. Of malformed text it sees the part before the
// damage. Of a repeated key the first one counts; stored text comes from JSON.stringify, which
// never repeats keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vicinal {

enum class JsonKind : uint8_t { Invalid, Null, False, True, Number, String, Array, Object };

class JsonValue {
public:
  // The value at the start of `text`.
  static JsonValue of(std::string_view text) { return {text.data(), text.data() + text.size()}; }
  JsonValue(const char* from, const char* end) : at_(skipSpace(from, end)), end_(end) {}

  JsonKind kind() const;
  // The position behind the value; null if it is malformed.
  const char* skip() const;

  // The number, if it is written as an integer and fits.
  std::optional<int64_t> integer() const;
  // The number as the nearest double.
  std::optional<double> number() const;
  // The string's raw characters, escapes included.
  std::optional<std::string_view> rawText() const;
  // The string in UTF-8; `scratch` is used if there are escapes. A lone surrogate becomes three
  // bytes, which equal no well-formed text.
  std::optional<std::string_view> text(std::string& scratch) const;

  // Visits an array's elements or an object's members until `visit` returns true, and returns
  // whether it did.
  template <typename Visit> bool visitElements(const Visit& visit) const;
  // Calls `visit(rawKey, value)`.
  template <typename Visit> bool visitMembers(const Visit& visit) const;
  bool isEmptyArray() const;

  static const char* skipSpace(const char* at, const char* end) {
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    return at;
  }

private:
  std::string_view numberText() const;

  const char* at_;
  const char* end_;
};

// Decodes the escapes of a string's raw characters.
void unescapeJson(std::string_view raw, std::string& into);

// Whether a raw key of an object equals `key`.
bool isSameKey(std::string_view raw, std::string_view key);

// ---- implementation of the templates

template <typename Visit> bool JsonValue::visitElements(const Visit& visit) const {
  if (at_ == end_ || *at_ != '[') return false;
  const char* at = skipSpace(at_ + 1, end_);
  if (at == end_ || *at == ']') return false;
  for (;;) {
    const JsonValue element(at, end_);
    // The element is skipped first, so that a damaged element is never visited.
    const char* behind = element.skip();
    if (behind == nullptr) return false;
    if (visit(element)) return true;
    at = skipSpace(behind, end_);
    if (at == end_ || *at != ',') return false;
    at++;
  }
}

template <typename Visit> bool JsonValue::visitMembers(const Visit& visit) const {
  if (at_ == end_ || *at_ != '{') return false;
  const char* at = at_ + 1;
  for (;;) {
    const JsonValue key(at, end_);
    const auto raw = key.rawText();
    if (!raw) return false;
    at = skipSpace(raw->data() + raw->size() + 1, end_);
    if (at == end_ || *at != ':') return false;
    const JsonValue value(at + 1, end_);
    if (visit(*raw, value)) return true;
    const char* behind = value.skip();
    if (behind == nullptr) return false;
    at = skipSpace(behind, end_);
    if (at == end_ || *at != ',') return false;
    at++;
  }
}

} // namespace vicinal
