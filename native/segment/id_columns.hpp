// The ids of a segment's rows as columns: eight bytes a row if all ids are numbers. The columns for
// UUIDs are then reserved address space that is never touched.
#pragma once

#include <atomic>

#include "base/region.hpp"
#include "segment/point_id.hpp"

namespace vicinal {

class IdColumns {
public:
  static Result<IdColumns> reserve(uint64_t rows) {
    IdColumns columns;
    auto low = RegionArray<uint64_t>::reserve(rows);
    if (!low) return low.status();
    auto high = RegionArray<uint64_t>::reserve(rows);
    if (!high) return high.status();
    auto kinds = RegionArray<uint64_t>::reserve(rows / 64 + 1);
    if (!kinds) return kinds.status();
    columns.low_ = low.take();
    columns.high_ = high.take();
    columns.kinds_ = kinds.take();
    return columns;
  }

  Status grow(uint64_t rows) {
    VICINAL_TRY(low_.grow(rows));
    VICINAL_TRY(high_.grow(rows));
    return kinds_.grow(rows / 64 + 1);
  }

  // Overwrites the row, which an abandoned batch may have written before. Readers of other rows may
  // share the word of kinds.
  void set(uint32_t row, const PointId& id) {
    low_[row] = id.low;
    const uint64_t bit = uint64_t(1) << (row % 64);
    std::atomic_ref<uint64_t> kinds(kinds_[row / 64]);
    if (id.uuid) {
      high_[row] = id.high;
      kinds.fetch_or(bit, std::memory_order_relaxed);
    } else if (isUuid(row)) {
      kinds.fetch_and(~bit, std::memory_order_relaxed);
    }
  }

  PointId at(uint32_t row) const {
    return isUuid(row) ? PointId{true, high_[row], low_[row]} : PointId::number(low_[row]);
  }

  void prefetch(uint32_t row) const { __builtin_prefetch(&low_[row]); }

  bool equals(uint32_t row, const PointId& id) const {
    return low_[row] == id.low && at(row) == id;
  }

  bool isUuid(uint32_t row) const {
    const uint64_t word = std::atomic_ref<uint64_t>(const_cast<uint64_t&>(kinds_[row / 64]))
                              .load(std::memory_order_relaxed);
    return (word >> (row % 64) & 1) != 0;
  }

  RegionArray<uint64_t>& low() { return low_; }
  RegionArray<uint64_t>& high() { return high_; }
  RegionArray<uint64_t>& kinds() { return kinds_; }
  const RegionArray<uint64_t>& low() const { return low_; }
  const RegionArray<uint64_t>& high() const { return high_; }
  const RegionArray<uint64_t>& kinds() const { return kinds_; }

private:
  RegionArray<uint64_t> low_;
  RegionArray<uint64_t> high_;
  RegionArray<uint64_t> kinds_;
};

} // namespace vicinal
