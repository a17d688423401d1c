// A filter as src/filter/program.ts writes it: a tree of conditions in bytes. The format is
// described there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "filter/json_path.hpp"
#include "filter/row_source.hpp"

namespace vicinal {

enum class FilterOp : uint8_t {
  All = 0x01,
  Any = 0x02,
  Not = 0x03,
  AtLeast = 0x04,
  Match = 0x10,
  Except = 0x11,
  NumberRange = 0x12,
  DateTimeRange = 0x13,
  ValuesCount = 0x14,
  IsEmpty = 0x15,
  IsNull = 0x16,
  HasNull = 0x17,
  HasId = 0x18,
  HasVector = 0x19,
  Nested = 0x1a,
};

// The values of a Match or Except, all of one type, ascending.
struct MatchValues {
  enum class Type : uint8_t { Text = 1, Integer = 2, Bool = 3 };
  Type type = Type::Text;
  std::vector<std::string> texts;
  std::vector<int64_t> integers;
  bool hasTrue = false;
  bool hasFalse = false;

  bool containsText(std::string_view text) const;
  bool containsInteger(int64_t integer) const;
};

// An interval; a bound that is not there is infinite.
template <typename T> struct Interval {
  bool hasLower = false;
  bool hasUpper = false;
  bool isLowerOpen = false;
  bool isUpperOpen = false;
  T lower = 0;
  T upper = 0;

  bool isAbove(T value) const { return hasUpper && (isUpperOpen ? value >= upper : value > upper); }
  bool isBelow(T value) const { return hasLower && (isLowerOpen ? value <= lower : value < lower); }
  bool contains(T value) const { return !isBelow(value) && !isAbove(value); }
};

struct FilterNode {
  FilterOp op = FilterOp::All;
  // All, Any, AtLeast: any number; Not, Nested: one.
  std::vector<FilterNode> children;
  // AtLeast.
  uint32_t minimum = 0;
  // Every condition on the payload.
  JsonPath path;
  MatchValues values;
  Interval<double> numbers;
  // Microseconds since 1970.
  Interval<int64_t> times;
  // ValuesCount: inclusive.
  uint64_t minCount = 0;
  uint64_t maxCount = 0;
  // HasId: ascending.
  std::vector<IdWords> ids;
  uint32_t vector = 0;

  // Conditions on the values at a path, which a payload index of that path may answer.
  bool isPayloadLeaf() const { return op >= FilterOp::Match && op <= FilterOp::HasNull; }
};

class FilterProgram {
public:
  // INVALID_ARGUMENT where the bytes are no program, or name a vector that is not below `vectors`.
  static Result<FilterProgram> decode(const uint8_t* bytes, size_t size, uint32_t vectors);

  const FilterNode& root() const { return root_; }

private:
  FilterNode root_;
};

} // namespace vicinal
