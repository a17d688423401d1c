// What a reader sees: the segments, how many rows of the last one, and the tick up to which deletes
// count. Taken in an instant (shard/segment_set), it stays as it is however the shard goes on. It
// keeps its segments alive.
#pragma once

#include <memory>
#include <shared_mutex>
#include <vector>

#include "segment/segment.hpp"

namespace vicinal {

using SegmentList = std::vector<std::shared_ptr<Segment>>;

// A row of a shard.
struct RowRef {
  Segment* segment = nullptr;
  uint32_t row = kNoRow;
  bool found() const { return segment != nullptr; }
  bool operator==(const RowRef&) const = default;
};

struct Snapshot {
  std::shared_ptr<const SegmentList> segments;
  uint64_t tick = 0;
  // Rows of the last segment; those of the others are fixed.
  uint32_t lastRows = 0;
  // Held shared while overlays are read.
  std::shared_ptr<std::shared_mutex> overlays;
  // Held shared while ids are looked up.
  std::shared_ptr<std::shared_mutex> lookup;

  size_t count() const { return segments->size(); }
  Segment& segment(size_t at) const { return *(*segments)[at]; }
  // How many named vectors there are, sparse ones too; any number where there are no rows.
  uint32_t vectorsNamed() const {
    return count() == 0 ? UINT32_MAX
                        : uint32_t(segment(0).vectorCount() + segment(0).sparseCount());
  }
  uint32_t rows(size_t at) const { return at + 1 == count() ? lastRows : segment(at).rows(); }
};

} // namespace vicinal
