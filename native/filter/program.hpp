// A filter program: a tree of conditions in bytes, written by src/filter/program.ts, which
// describes the format.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "base/work_meter.hpp"
#include "filter/geo_area.hpp"
#include "filter/id_slice.hpp"
#include "filter/json_path.hpp"
#include "filter/row_source.hpp"
#include "filter/text_query.hpp"

namespace vicinal {

enum class FilterOp : uint8_t {
  All = 1,
  Any = 2,
  Not = 3,
  AtLeast = 4,
  Match = 5,
  NumberRange = 6,
  DateTimeRange = 7,
  ValuesCount = 8,
  IsEmpty = 9,
  IsNull = 10,
  HasId = 11,
  Except = 12,
  HasVector = 13,
  Nested = 14,
  HasNull = 15,
  Contains = 16,
  StartsWith = 17,
  InArea = 18,
  Slice = 19,
  HasTokens = 20,
};

// The values of a Match or Except, ascending.
struct MatchValues {
  std::vector<std::string> texts;
  std::vector<int64_t> integers;
  bool hasTrue = false;
  bool hasFalse = false;

  bool containsText(std::string_view text) const;
  bool containsInteger(int64_t integer) const;
  bool hasBool() const { return hasTrue || hasFalse; }
  bool operator==(const MatchValues&) const = default;
};

// An interval; a missing bound is infinite.
template <typename T> struct Interval {
  bool hasLower = false;
  bool hasUpper = false;
  bool isLowerOpen = false;
  bool isUpperOpen = false;
  T lower = 0;
  T upper = 0;

  // Both keep the narrower of two bounds.
  void limitAbove(T bound, bool isOpen) {
    if (hasUpper && (upper < bound || (upper == bound && isUpperOpen))) return;
    hasUpper = true;
    upper = bound;
    isUpperOpen = isOpen;
  }
  void limitBelow(T bound, bool isOpen) {
    if (hasLower && (lower > bound || (lower == bound && isLowerOpen))) return;
    hasLower = true;
    lower = bound;
    isLowerOpen = isOpen;
  }

  bool isAbove(T value) const { return hasUpper && (isUpperOpen ? value >= upper : value > upper); }
  bool isBelow(T value) const { return hasLower && (isLowerOpen ? value <= lower : value < lower); }
  bool contains(T value) const { return !isBelow(value) && !isAbove(value); }
  bool operator==(const Interval&) const = default;
};

struct FilterNode {
  FilterOp op = FilterOp::All;
  // All, Any, AtLeast: any number of children; Not, Nested: one.
  std::vector<FilterNode> children;
  // AtLeast.
  uint32_t minimum = 0;
  // Every condition on the payload.
  JsonPath path;
  // Match, Except; Contains and StartsWith use only the texts.
  MatchValues values;
  // InArea.
  std::shared_ptr<const GeoArea> area;
  // HasTokens.
  std::shared_ptr<const TextQuery> text;
  // Slice.
  IdSlice slice;
  // NumberRange, ValuesCount.
  Interval<double> numbers;
  // DateTimeRange: microseconds since 1970.
  Interval<int64_t> times;
  // HasId: ascending.
  std::vector<IdWords> ids;
  // HasVector.
  uint32_t vector = 0;
};

// Decodes text options as src/core/text-index.ts encodes them. INVALID_ARGUMENT if the bytes are
// malformed.
Result<TextOptions> decodeTextOptions(const uint8_t* bytes, size_t size);

// The text index of a field.
struct TextField {
  JsonPath path;
  TextOptions options;
};

class FilterProgram {
public:
  // INVALID_ARGUMENT if the bytes are not a program, or name a vector that is not below `vectors`.
  // CANCELLED if the work was stopped. A full-text condition looks for tokens on a field of
  // `fields`, and for substrings on any other field.
  static Result<FilterProgram> decode(const uint8_t* bytes, size_t size, uint32_t vectors,
                                      const std::vector<TextField>& fields, WorkMeter& work);

  const FilterNode& root() const { return root_; }

private:
  FilterNode root_;
};

} // namespace vicinal
