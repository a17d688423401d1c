#include "filter/evaluator.hpp"

#include <algorithm>
#include <cstring>

#include "filter/date_time.hpp"

namespace vicinal {

namespace {

bool isListed(const MatchValues& values, JsonValue value) {
  switch (value.kind()) {
  case JsonKind::False: return values.hasFalse;
  case JsonKind::True: return values.hasTrue;
  case JsonKind::Number: {
    if (values.integers.empty()) return false;
    const auto integer = value.integer();
    return integer && values.containsInteger(*integer);
  }
  case JsonKind::String: {
    if (values.texts.empty()) return false;
    std::string scratch;
    const auto text = value.text(scratch);
    return text && values.containsText(*text);
  }
  default: return false;
  }
}

// Of a condition, or of one on a single value, beside the text that it walks over.
constexpr uint64_t kUnitsPerCondition = 32;
// Analyzing a character costs this many times as much as walking over it.
constexpr uint64_t kUnitsPerAnalyzed = 32;
// The most characters that are analyzed between two looks at the cancel flag.
constexpr size_t kMostAnalyzed = 64 << 10;

bool isInTimes(const Interval<int64_t>& times, JsonValue value) {
  std::string scratch;
  const auto text = value.text(scratch);
  const auto micros = text ? parseDateTime(*text) : std::nullopt;
  return micros && times.contains(*micros);
}

// Takes time linear in the length of both texts together, for any contents.
bool containsText(std::string_view text, std::string_view part) {
  return part.empty() || memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

bool hasPart(const FilterNode& leaf, JsonValue value, WorkMeter& work) {
  std::string scratch;
  const auto text = value.text(scratch);
  if (!text) return false;
  return std::any_of(leaf.values.texts.begin(), leaf.values.texts.end(), [&](const auto& part) {
    if (leaf.op == FilterOp::StartsWith)
      return work.spend(kUnitsPerCondition + part.size()) && text->starts_with(part);
    return work.spend(kUnitsPerCondition + text->size() + part.size()) && containsText(*text, part);
  });
}

// Decides a condition on one value; for an array, on one of its elements.
bool satisfies(const FilterNode& leaf, JsonValue value, WorkMeter& work) {
  switch (leaf.op) {
  case FilterOp::Match: return isListed(leaf.values, value);
  case FilterOp::Except: {
    const JsonKind kind = value.kind();
    return kind != JsonKind::Null && kind != JsonKind::Invalid && !isListed(leaf.values, value);
  }
  case FilterOp::NumberRange: {
    const auto number = value.number();
    return number && leaf.numbers.contains(*number);
  }
  case FilterOp::DateTimeRange: return isInTimes(leaf.times, value);
  case FilterOp::Contains:
  case FilterOp::StartsWith: return hasPart(leaf, value, work);
  case FilterOp::InArea: {
    const auto point = geoPointOf(value);
    return point && work.spend(leaf.area->points()) && leaf.area->contains(*point);
  }
  default: return false;
  }
}

double countOf(JsonValue value) {
  if (value.kind() == JsonKind::Null) return 0;
  if (value.kind() != JsonKind::Array) return 1;
  uint64_t count = 0;
  value.visitElements([&](JsonValue) {
    count++;
    return false;
  });
  return static_cast<double>(count);
}

bool isNull(JsonValue value) { return value.kind() == JsonKind::Null; }

bool isEmpty(JsonValue value) { return isNull(value) || value.isEmptyArray(); }

class Evaluation {
public:
  Evaluation(const RowSource& source, uint32_t row)
      : source_(source), work_(source.work()), row_(row), payload_(source.payload(row)),
        walk_(payload_.size()) {}

  bool matches(const FilterNode& node) { return matches(node, JsonValue::of(payload_), true); }

private:
  // `isRoot`: the object is the point's payload. An element of a nested condition has no id and no
  // vectors.
  bool matches(const FilterNode& node, JsonValue object, bool isRoot) {
    const auto holds = [&](const FilterNode& child) { return matches(child, object, isRoot); };
    if (!work_.spend(kUnitsPerCondition)) return false;
    switch (node.op) {
    case FilterOp::All: return std::all_of(node.children.begin(), node.children.end(), holds);
    case FilterOp::Any: return std::any_of(node.children.begin(), node.children.end(), holds);
    case FilterOp::Not: return !holds(node.children[0]);
    case FilterOp::AtLeast: {
      uint32_t missing = node.minimum;
      for (const FilterNode& child : node.children) {
        if (missing == 0 || work_.isStopped()) break;
        missing -= holds(child) ? 1 : 0;
      }
      return missing == 0;
    }
    case FilterOp::HasId:
      return isRoot && std::binary_search(node.ids.begin(), node.ids.end(), source_.id(row_));
    case FilterOp::Slice: return isRoot && node.slice.contains(source_.id(row_));
    case FilterOp::HasVector: return isRoot && source_.hasVector(row_, node.vector);
    case FilterOp::Nested:
      if (!work_.spend(walk_)) return false;
      return node.path.visitElements(object, [&](JsonValue element) {
        if (work_.isStopped()) return true;
        return element.kind() == JsonKind::Object && matches(node.children[0], element, false);
      });
    default: return work_.spend(walk_) && matchesField(node, object);
    }
  }

  bool matchesField(const FilterNode& leaf, JsonValue object) {
    switch (leaf.op) {
    case FilterOp::IsEmpty:
      return !leaf.path.visit(object, [](JsonValue value) { return !isEmpty(value); });
    case FilterOp::IsNull: return leaf.path.visit(object, isNull);
    case FilterOp::HasNull:
      return leaf.path.visit(
          object, [](JsonValue value) { return isNull(value) || value.visitElements(isNull); });
    case FilterOp::ValuesCount: {
      bool isMissing = true;
      const bool holds = leaf.path.visit(object, [&](JsonValue value) {
        isMissing = false;
        return leaf.numbers.contains(countOf(value));
      });
      return holds || (isMissing && leaf.numbers.contains(0));
    }
    case FilterOp::HasTokens: return hasTokens(leaf, object);
    default:
      return leaf.path.visit(object, [&](JsonValue value) {
        if (value.kind() != JsonKind::Array) return satisfies(leaf, value, work_);
        return value.visitElements([&](JsonValue element) {
          return !work_.spend(kUnitsPerCondition) || satisfies(leaf, element, work_);
        });
      });
    }
  }

  // All texts at the path count together.
  bool hasTokens(const FilterNode& leaf, JsonValue object) {
    TextMatch match(*leaf.text);
    const auto add = [&](JsonValue value) {
      std::string scratch;
      if (const auto text = value.text(scratch)) addInPieces(*text, match);
      return work_.isStopped();
    };
    leaf.path.visit(object, [&](JsonValue value) {
      return value.kind() == JsonKind::Array ? value.visitElements(add) : add(value);
    });
    return match.holds();
  }

  // Cuts long texts between words and treats the pieces as separate texts.
  void addInPieces(std::string_view text, TextMatch& match) {
    while (!text.empty()) {
      size_t length = text.size();
      if (length > kMostAnalyzed)
        length = std::min(text.find_first_of(" \n\t", kMostAnalyzed), length);
      if (!work_.spend(length * kUnitsPerAnalyzed)) return;
      match.add(text.substr(0, length));
      text.remove_prefix(length);
    }
  }

  const RowSource& source_;
  WorkMeter& work_;
  const uint32_t row_;
  const std::string_view payload_;
  // The most units that a walk over the payload, or a part of it, can cost.
  const uint64_t walk_;
};

} // namespace

bool matches(const FilterNode& node, const RowSource& source, uint32_t row) {
  return !source.work().isStopped() && Evaluation(source, row).matches(node);
}

} // namespace vicinal
