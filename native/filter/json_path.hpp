// The path of a condition or an index in a payload: `a.b`, `a[].b` (every element), `a[0].b`, `"a
// key.with dots"`. src/filter/path.ts reads the same language.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "filter/json_walk.hpp"

namespace vicinal {

struct PathStep {
  enum class Kind : uint8_t { Key, Every, Index };
  Kind kind = Kind::Key;
  std::string key;
  uint32_t index = 0;

  bool operator==(const PathStep&) const = default;
};

class JsonPath {
public:
  // The most steps of a path: LIMITS.pathSegments keys, each with its brackets.
  static constexpr size_t kMaxSteps = 64;

  static Result<JsonPath> parse(std::string_view text);
  JsonPath() = default;
  explicit JsonPath(std::vector<PathStep> steps) : steps_(std::move(steps)) {}

  // Visits the values at the path until `visit(JsonValue)` returns true, and returns whether it
  // did. An array is one value.
  template <typename Visit> bool visit(JsonValue root, const Visit& visit) const {
    return visitFrom(root, 0, visit);
  }
  // Visits the elements of the array at the path, if there is one.
  template <typename Visit> bool visitElements(JsonValue root, const Visit& visit) const {
    const bool endsInEvery = !steps_.empty() && steps_.back().kind == PathStep::Kind::Every;
    if (endsInEvery) return visitFrom(root, 0, visit);
    return visitFrom(root, 0, [&](JsonValue value) { return value.visitElements(visit); });
  }

  const std::vector<PathStep>& steps() const { return steps_; }
  bool operator==(const JsonPath&) const = default;

private:
  template <typename Visit> bool visitFrom(JsonValue value, size_t at, const Visit& visit) const {
    if (at == steps_.size()) return value.kind() != JsonKind::Invalid && visit(value);
    const PathStep& step = steps_[at];
    if (step.kind == PathStep::Kind::Key) return visitKey(value, step.key, at, visit);
    uint32_t index = 0;
    bool isStopped = false;
    value.visitElements([&](JsonValue element) {
      const bool isChosen = step.kind == PathStep::Kind::Every || index == step.index;
      if (isChosen) isStopped = visitFrom(element, at + 1, visit);
      return isStopped || (step.kind == PathStep::Kind::Index && index++ == step.index);
    });
    return isStopped;
  }
  template <typename Visit>
  bool visitKey(JsonValue value, std::string_view key, size_t at, const Visit& visit) const {
    bool isStopped = false;
    value.visitMembers([&](std::string_view raw, JsonValue member) {
      if (!isSameKey(raw, key)) return false;
      isStopped = visitFrom(member, at + 1, visit);
      return true;
    });
    return isStopped;
  }

  std::vector<PathStep> steps_;
};

} // namespace vicinal
