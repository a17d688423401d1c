// A walk over JSON text that looks only at what it is asked for: values are positions in the text,
// skipped by their brackets and quotes, and turned into numbers and strings only where a condition
// compares them.
//
// The text is never trusted. A walk stays inside [begin, end), stops at what is no JSON, and takes
// stack only by the length of a path; of malformed text it sees the part before the damage. Text
// the kernel stores comes from JSON.stringify, so of a repeated key the first one counts and nobody
// will notice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vicinal {

enum class JsonKind : uint8_t { Invalid, Null, False, True, Number, String, Array, Object };

class JsonValue {
public:
  // The value that `text` starts with.
  static JsonValue of(std::string_view text) { return {text.data(), text.data() + text.size()}; }
  JsonValue(const char* from, const char* end) : at_(skipSpace(from, end)), end_(end) {}

  JsonKind kind() const;
  // The position behind the value, or null where it is malformed.
  const char* skip() const;

  // The number, where it is written as an integer and fits.
  std::optional<int64_t> integer() const;
  // The number as the nearest double.
  std::optional<double> number() const;
  // The string's characters as they stand in the text, escapes and all.
  std::optional<std::string_view> rawText() const;
  // The string's characters in UTF-8; `scratch` is used where there are escapes. A lone surrogate
  // becomes the three bytes UTF-8 would give it, which equal no well-formed text.
  std::optional<std::string_view> text(std::string& scratch) const;

  // An array's elements or an object's members, until `visit` returns true. Returns whether it did.
  template <typename Visit> bool visitElements(const Visit& visit) const;
  // `visit(rawKey, value)`.
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

// Undoes the escapes of a string's raw characters.
void unescapeJson(std::string_view raw, std::string& into);

// Whether a raw key of an object is `key`.
bool isSameKey(std::string_view raw, std::string_view key);

// ---- implementation of the templates

template <typename Visit> bool JsonValue::visitElements(const Visit& visit) const {
  if (at_ == end_ || *at_ != '[') return false;
  const char* at = skipSpace(at_ + 1, end_);
  if (at == end_ || *at == ']') return false;
  for (;;) {
    const JsonValue element(at, end_);
    // Skipped first, so that damage within an element is found before anything is made of it.
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
