#include "segment/id_map.hpp"

#include <algorithm>
#include <utility>

namespace vicinal {

namespace {

constexpr uint64_t kLeastSlots = 1024;
// Linear probing stays fast if at most this many eighths of the slots are used.
constexpr uint64_t kMaxLoadEighths = 6;
constexpr size_t kPrefetchAhead = 16;

} // namespace

bool IdMap::hasRoom(uint32_t more) const {
  return slots() > 0 && (uint64_t(used_) + more) * 8 <= slots() * kMaxLoadEighths;
}

Status IdMap::prepare(const IdColumns& ids, uint32_t more) {
  if (hasRoom(more)) return Status::ok();
  const uint64_t wanted = uint64_t(used_) + more;
  uint64_t capacity = kLeastSlots;
  while (wanted * 8 > capacity * kMaxLoadEighths) capacity *= 2;
  auto grown = RegionArray<uint32_t>::reserve(capacity);
  if (!grown) return grown.status();
  next_ = grown.take();
  VICINAL_TRY(next_.grow(capacity));
  nextMask_ = capacity - 1;
  // Walks over the old slots in order and prefetches their ids, which are scattered in memory.
  for (uint64_t slot = 0; slot < slots(); slot++) {
    if (slot + kPrefetchAhead < slots()) {
      const uint32_t ahead = table_[slot + kPrefetchAhead];
      if (ahead != 0) __builtin_prefetch(&ids.low()[ahead - 1]);
    }
    if (table_[slot] == 0) continue;
    uint64_t at = ids.at(table_[slot] - 1).hash() & nextMask_;
    while (next_[at] != 0) at = (at + 1) & nextMask_;
    next_[at] = table_[slot];
  }
  return Status::ok();
}

void IdMap::adopt() {
  if (nextMask_ == 0) return;
  table_ = std::move(next_);
  mask_ = std::exchange(nextMask_, 0);
  next_ = {};
}

uint32_t IdMap::find(const IdColumns& ids, const PointId& id) const {
  if (mask_ == 0) return kNoRow;
  for (uint64_t at = id.hash() & mask_; table_[at] != 0; at = (at + 1) & mask_) {
    if (ids.equals(table_[at] - 1, id)) return table_[at] - 1;
  }
  return kNoRow;
}

uint32_t IdMap::put(const IdColumns& ids, uint32_t row) {
  const PointId id = ids.at(row);
  uint64_t at = id.hash() & mask_;
  for (; table_[at] != 0; at = (at + 1) & mask_) {
    if (!ids.equals(table_[at] - 1, id)) continue;
    return std::exchange(table_[at], row + 1) - 1;
  }
  table_[at] = row + 1;
  used_++;
  return kNoRow;
}

Status IdMap::map(int descriptor, uint64_t offset, uint64_t slots, uint32_t rows) {
  auto table = RegionArray<uint32_t>::reserve(slots);
  if (!table) return table.status();
  table_ = table.take();
  VICINAL_TRY(table_.mapFile(descriptor, offset, slots));
  uint64_t used = 0;
  uint32_t greatest = 0;
  for (uint64_t slot = 0; slot < slots; slot++) {
    used += table_[slot] != 0 ? 1 : 0;
    greatest = std::max(greatest, table_[slot]);
  }
  if (greatest > rows || used >= slots)
    return Status(Code::Corrupt, "its map of ids names rows that do not exist");
  mask_ = slots - 1;
  used_ = uint32_t(used);
  return Status::ok();
}

} // namespace vicinal
