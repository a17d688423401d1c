// Numbers with their rows, in sorted runs. A batch becomes a run and is merged with earlier runs
// that are not much longer. So there are few runs, and each value is moved a logarithmic number of
// times. The first run may be in a file; it is never merged.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "filter/program.hpp"

namespace vicinal {

template <typename T> class ValueRuns {
public:
  using Entries = std::vector<std::pair<T, uint32_t>>;

  // Moving a run keeps the addresses that its spans point to.
  struct Run {
    Run() = default;
    Run(std::vector<T> heldValues, std::vector<uint32_t> heldRows)
        : ownValues(std::move(heldValues)), ownRows(std::move(heldRows)), values(ownValues),
          rows(ownRows) {}
    Run(std::span<const T> filedValues, std::span<const uint32_t> filedRows)
        : values(filedValues), rows(filedRows), isFiled(true) {}
    Run(Run&&) noexcept = default;
    Run& operator=(Run&&) noexcept = default;

    size_t size() const { return values.size(); }

    std::vector<T> ownValues;
    std::vector<uint32_t> ownRows;
    std::span<const T> values;
    std::span<const uint32_t> rows;
    bool isFiled = false;
  };

  // Takes over sorted values in memory of the caller as the first run.
  void adopt(std::span<const T> values, std::span<const uint32_t> rows) {
    if (!values.empty()) runs_.emplace_back(values, rows);
  }

  // Makes a run of a batch and merges it with earlier runs; `kept` runs stay. It only reads, so
  // readers go on.
  Run merged(Entries batch, size_t& kept) const {
    std::sort(batch.begin(), batch.end());
    std::vector<T> values;
    std::vector<uint32_t> rows;
    values.reserve(batch.size());
    rows.reserve(batch.size());
    for (const auto& [value, row] : batch) {
      values.push_back(value);
      rows.push_back(row);
    }
    Run next(std::move(values), std::move(rows));
    kept = runs_.size();
    while (kept > 0 && !runs_[kept - 1].isFiled && runs_[kept - 1].size() <= next.size() * 2)
      next = mergeTwo(runs_[--kept], next);
    return next;
  }
  // Puts the run in place of the runs that were merged into it.
  void put(Run next, size_t kept) {
    if (next.size() == 0) return;
    runs_.erase(runs_.begin() + static_cast<ptrdiff_t>(kept), runs_.end());
    runs_.push_back(std::move(next));
  }

  // Number of values in the interval.
  template <typename Bound> uint64_t count(const Interval<Bound>& interval) const {
    uint64_t count = 0;
    for (const Run& run : runs_) {
      const auto [from, to] = within(run, interval);
      count += to - from;
    }
    return count;
  }
  // Calls `visit(row)` for each value in the interval.
  template <typename Bound, typename Visit>
  void forEachIn(const Interval<Bound>& interval, const Visit& visit) const {
    for (const Run& run : runs_) {
      const auto [from, to] = within(run, interval);
      for (size_t at = from; at < to; at++) visit(run.rows[at]);
    }
  }
  // Calls `visit(row)` for each value outside the interval.
  template <typename Bound, typename Visit>
  void forEachOutside(const Interval<Bound>& interval, const Visit& visit) const {
    for (const Run& run : runs_) {
      const auto [from, to] = within(run, interval);
      for (size_t at = 0; at < from; at++) visit(run.rows[at]);
      for (size_t at = to; at < run.size(); at++) visit(run.rows[at]);
    }
  }
  // Calls `visit(value, row)` for all values.
  template <typename Visit> void forEach(const Visit& visit) const {
    for (const Run& run : runs_)
      for (size_t at = 0; at < run.size(); at++) visit(run.values[at], run.rows[at]);
  }
  const std::vector<Run>& runs() const { return runs_; }
  uint64_t size() const {
    uint64_t size = 0;
    for (const Run& run : runs_) size += run.size();
    return size;
  }
  // Bytes in memory, without the file.
  uint64_t bytes() const {
    uint64_t bytes = 0;
    for (const Run& run : runs_)
      bytes += run.ownValues.capacity() * sizeof(T) + run.ownRows.capacity() * sizeof(uint32_t);
    return bytes;
  }

private:
  static Run mergeTwo(const Run& a, const Run& b) {
    std::vector<T> values;
    std::vector<uint32_t> rows;
    values.reserve(a.size() + b.size());
    rows.reserve(a.size() + b.size());
    size_t atA = 0, atB = 0;
    while (atA < a.size() || atB < b.size()) {
      const bool takesA = atB == b.size() || (atA < a.size() && a.values[atA] <= b.values[atB]);
      const Run& from = takesA ? a : b;
      size_t& at = takesA ? atA : atB;
      values.push_back(from.values[at]);
      rows.push_back(from.rows[at++]);
    }
    return Run(std::move(values), std::move(rows));
  }

  // Integers are compared with double bounds as doubles, which keeps their order.
  template <typename Bound>
  static std::pair<size_t, size_t> within(const Run& run, const Interval<Bound>& interval) {
    const auto begin = run.values.begin(), end = run.values.end();
    const auto from = std::partition_point(
        begin, end, [&](T value) { return interval.isBelow(static_cast<Bound>(value)); });
    const auto to = std::partition_point(
        from, end, [&](T value) { return !interval.isAbove(static_cast<Bound>(value)); });
    return {static_cast<size_t>(from - begin), static_cast<size_t>(to - begin)};
  }

  std::vector<Run> runs_;
};

} // namespace vicinal
