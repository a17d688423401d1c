// Applies one condition to the values of an index.
#pragma once

#include "filter/indexed_values.hpp"
#include "filter/payload_index.hpp"

namespace vicinal {

class IndexQuery {
public:
  IndexQuery(PayloadIndexKind kind, const IndexedValues& values, const FilterNode& leaf,
             uint32_t covered, const TextOptions& text, WorkMeter& work)
      : kind_(kind), values_(values), leaf_(leaf), covered_(covered), text_(text), work_(work) {}

  // Whether the index can answer. `rows` becomes an upper bound of the rows that `collect` finds.
  bool estimate(uint64_t& rows);
  // The number of rows, out of this bound, that the evaluator must decide.
  uint64_t unsure() const { return unsure_; }
  // Adds the matching rows to `answer`.
  void collect(IndexAnswer& answer);

private:
  // Cost of a value lookup, and of adding a row.
  static constexpr uint64_t kUnitsPerValue = 128;
  static constexpr uint64_t kUnitsPerRow = 4;

  bool run();
  bool match();
  bool except();
  // For texts and integers. `collectUnlistedRows` needs rows with one value each: it removes the
  // rows of listed values from all rows. `collectUnlistedValues` adds the rows of each value that
  // is not listed.
  void collectUnlistedRows();
  void collectUnlistedValues();
  bool numberRange();
  bool dateTimeRange();
  bool startsWith();
  bool inArea();
  bool hasTokens();
  void addCommon(const std::vector<RowList>& lists, bool isSure);

  // Whether a listed value could be one that is not in the index.
  bool listsOthers() const;

  // Calls `one(value)` for each value of a list, which may be long.
  template <typename List, typename One> void forEachOf(const List& list, const One& one) {
    for (const auto& value : list) {
      if (!work_.spend(kUnitsPerValue)) return;
      one(value);
    }
  }

  void note(uint64_t rows, bool isSure) {
    count_ += rows;
    unsure_ += isSure ? 0 : rows;
  }
  // Counts the rows and, while collecting, adds them to the answer.
  void add(const RowFlags& rows, bool isSure);
  void add(const RowList& rows, bool isSure);
  template <typename T, typename Bound>
  void add(const ValueRuns<T>& values, const Interval<Bound>& in, bool isSure);

  const PayloadIndexKind kind_;
  const IndexedValues& values_;
  const FilterNode& leaf_;
  const uint32_t covered_;
  const TextOptions& text_;
  WorkMeter& work_;
  uint64_t count_ = 0;
  uint64_t unsure_ = 0;
  // Null while estimating.
  IndexAnswer* answer_ = nullptr;
};

} // namespace vicinal
