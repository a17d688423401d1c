// A map from a point's id to its newest row in one segment: an open-addressing table of row
// numbers, four bytes a slot. The ids themselves are in the rows. Row r is stored as r + 1, so
// untouched memory is an empty table. A table can be a mapped section of a file.
//
// Invariants
// - One thread writes. `prepare` may run beside readers; `put` and `adopt` need readers locked out.
// - Entries are never removed: a deleted row is still found, and the caller checks its tombstone.
#pragma once

#include "base/memory_tally.hpp"
#include "base/region.hpp"
#include "segment/id_columns.hpp"

namespace vicinal {

constexpr uint32_t kNoRow = UINT32_MAX;

class IdMap {
public:
  // Whether `more` ids fit without building a larger table.
  bool hasRoom(uint32_t more) const;
  // Makes room for `more` ids. A larger table is built separately; `adopt` puts it in place.
  Status prepare(const IdColumns& ids, uint32_t more);
  void adopt();

  // The newest row of the id, or kNoRow.
  uint32_t find(const IdColumns& ids, const PointId& id) const;
  // Maps the id, which is already in `ids[row]`, to `row`. Returns its previous row, or kNoRow.
  uint32_t put(const IdColumns& ids, uint32_t row);

  uint64_t slots() const { return mask_ == 0 ? 0 : mask_ + 1; }
  uint32_t used() const { return used_; }
  const uint32_t* data() const { return table_.data(); }
  uint64_t bytes() const { return slots() * sizeof(uint32_t); }
  // Call with `put` and `adopt` locked out.
  void tally(const MemoryTally& tally, MemoryPart& part) const { tally.add(part, table_); }

  // Maps `slots` slots (a power of two) of a file's section. CORRUPT if a slot names a row that
  // does not exist, or if the table is so full that lookups might not end.
  Status map(int descriptor, uint64_t offset, uint64_t slots, uint32_t rows);

private:
  RegionArray<uint32_t> table_;
  uint64_t mask_ = 0;
  uint32_t used_ = 0;
  RegionArray<uint32_t> next_;
  uint64_t nextMask_ = 0;
};

} // namespace vicinal
