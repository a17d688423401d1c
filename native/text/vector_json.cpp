#include "text/vector_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace vicinal {

namespace {

// The greatest depth of a request (LIMITS.jsonDepth). The later parser reports deeper requests.
constexpr size_t kMostDepth = 256;

// The meaning of a value, by the keys that lead to it.
enum class Role : uint8_t {
  // Not a vector; its keys may lead to vectors.
  Plain,
  // Nothing inside is searched for vectors.
  Inert,
  // A vector, vectors, or vectors by name.
  Vectors,
  // One value for each point, possibly by name; not a vector itself.
  Columns,
  // A vector or vectors; its keys have meanings of their own.
  Query,
  // Each element may be a vector; numbers are ids.
  Examples,
};

Role roleOf(Role around, std::string_view key) {
  static constexpr std::array<std::string_view, 9> kInert = {
      "payload", "payloads", "filter", "metadata",      "indices",
      "values",  "options",  "text",   "delete_vectors"};
  // An escaped key might spell any key, so it is left alone.
  if (around == Role::Inert || key.find('\\') != std::string_view::npos ||
      std::find(kInert.begin(), kInert.end(), key) != kInert.end())
    return Role::Inert;
  if (around == Role::Columns || key == "vectors") return Role::Columns;
  if (around == Role::Vectors || key == "vector") return Role::Vectors;
  if (key == "query" || key == "nearest") return Role::Query;
  return key == "positive" || key == "negative" ? Role::Examples : Role::Plain;
}

Role ofElements(Role array) {
  if (array == Role::Examples) return Role::Query;
  return array == Role::Columns ? Role::Vectors : array;
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }

class VectorLifter {
public:
  VectorLifter(std::string_view json, std::string_view mark, LiftedVectors& lifted)
      : at_(json.data()), end_(json.data() + json.size()), copied_(json.data()), mark_(mark),
        lifted_(lifted) {}

  Status run() {
    while (at_ != end_ && isSound_) step();
    if (!isSound_ || depth_ != 0) lifted_.ends.clear();
    if (hasMemory_ && !lifted_.ends.empty()) hasMemory_ = copyUpTo(end_);
    return hasMemory_ ? Status::ok() : Status::outOfMemory("a request is read");
  }

private:
  struct Frame {
    Role role = Role::Plain;
    // Role of the next element, or of the last key's value.
    Role next = Role::Plain;
    bool isObject = false;
    bool isKeyNext = false;
  };

  Frame& top() { return frames_[depth_]; }

  void step() {
    switch (*at_) {
    case '"': return string();
    case '{': return open(true);
    case '[':
      if (mayBeVector() && lift()) return;
      return open(false);
    case '}':
    case ']':
      isSound_ = depth_ > 0 && top().isObject == (*at_ == '}');
      depth_ -= isSound_ ? 1 : 0;
      break;
    case ',': top().isKeyNext = top().isObject; break;
    default: break;
    }
    at_++;
  }

  bool mayBeVector() {
    const Frame& frame = top();
    return !frame.isKeyNext && (frame.next == Role::Vectors || frame.next == Role::Query);
  }

  void open(bool isObject) {
    const Role role = top().next;
    isSound_ = ++depth_ < kMostDepth;
    if (!isSound_) return;
    top() = {role, isObject ? Role::Plain : ofElements(role), isObject, isObject};
    at_++;
  }

  void string() {
    const char* const from = ++at_;
    while (at_ != end_ && *at_ != '"') at_ += *at_ == '\\' && end_ - at_ > 1 ? 2 : 1;
    isSound_ = at_ != end_;
    if (!isSound_) return;
    if (Frame& frame = top(); frame.isKeyNext) {
      frame.next = roleOf(frame.role, {from, size_t(at_ - from)});
      frame.isKeyNext = false;
    }
    at_++;
  }

  // Lifts an array that has only numbers. Any other array is left unchanged.
  bool lift() {
    const size_t before = lifted_.floats.size();
    const char* const after = numbers(at_ + 1);
    // The text must not grow: an array shorter than its placeholder stays.
    if (after == nullptr || lifted_.floats.size() - before < kLeastLifted ||
        size_t(after - at_) < mark_.size() + sizeof(number_) || !hasMemory_) {
      lifted_.floats.truncate(before);
      return false;
    }
    const auto written = std::to_chars(number_, number_ + sizeof number_, lifted_.ends.size());
    hasMemory_ = copyUpTo(at_) && append("\"") && append(mark_) &&
                 append({number_, size_t(written.ptr - number_)}) && append("\"") &&
                 lifted_.ends.push(uint32_t(lifted_.floats.size()));
    isSound_ = hasMemory_;
    at_ = copied_ = after;
    return true;
  }

  // Parses the numbers of an array. Returns the position behind the array, or null.
  const char* numbers(const char* at) {
    while (true) {
      at = skipSpace(at);
      at = number(at);
      if (at == nullptr) return nullptr;
      at = skipSpace(at);
      if (at == end_) return nullptr;
      if (*at == ']') return at + 1;
      if (*at++ != ',') return nullptr;
    }
  }

  // Parses a JSON number that a float32 can hold. Returns the position behind it, or null. Rounds
  // through a double, as JavaScript does.
  const char* number(const char* from) {
    if (!beginsAsJson(from)) return nullptr;
    double value = 0;
    const auto [end, error] = std::from_chars(from, end_, value);
    const auto component = static_cast<float>(value);
    if (error != std::errc() || !std::isfinite(component)) return nullptr;
    hasMemory_ = hasMemory_ && lifted_.floats.push(component);
    return hasMemory_ ? end : nullptr;
  }

  // JSON's rules beyond those of `from_chars`: digits on both sides of a point, and no leading zero
  // before other digits.
  bool beginsAsJson(const char* at) const {
    if (at != end_ && *at == '-') at++;
    const char* const digits = at;
    while (at != end_ && isDigit(*at)) at++;
    if (at == digits || (*digits == '0' && at - digits > 1)) return false;
    return at == end_ || *at != '.' || (end_ - at > 1 && isDigit(at[1]));
  }

  const char* skipSpace(const char* at) const {
    while (at != end_ && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    return at;
  }

  bool copyUpTo(const char* at) {
    const bool done = append({copied_, size_t(at - copied_)});
    copied_ = at;
    return done;
  }
  bool append(std::string_view text) {
    const size_t size = lifted_.text.size();
    if (!lifted_.text.resize(size + text.size())) return false;
    std::copy(text.begin(), text.end(), lifted_.text.begin() + size);
    return true;
  }

  const char* at_;
  const char* const end_;
  const char* copied_;
  const std::string_view mark_;
  LiftedVectors& lifted_;
  std::array<Frame, kMostDepth> frames_;
  size_t depth_ = 0;
  char number_[12];
  bool isSound_ = true;
  bool hasMemory_ = true;
};

} // namespace

Status liftVectors(std::string_view json, std::string_view mark, LiftedVectors& lifted) {
  return VectorLifter(json, mark, lifted).run();
}

} // namespace vicinal
