// A reader's view: the segments, the number of rows of the last one, and the tick up to which
// deletes count. Taking one is instantaneous (shard/segment_set). It never changes and keeps its
// segments alive.
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
  // Rows of the last segment; the counts of the others are fixed.
  uint32_t lastRows = 0;
  // Held shared while overlays are read.
  std::shared_ptr<std::shared_mutex> overlays;
  // Held shared while ids are looked up.
  std::shared_ptr<std::shared_mutex> lookup;

  size_t count() const { return segments->size(); }
  Segment& segment(size_t at) const { return *(*segments)[at]; }
  // The number of named vectors, sparse ones included; UINT32_MAX if there are no segments.
  uint32_t vectorsNamed() const {
    return count() == 0 ? UINT32_MAX
                        : uint32_t(segment(0).vectorCount() + segment(0).sparseCount());
  }
  uint32_t rows(size_t at) const { return at + 1 == count() ? lastRows : segment(at).rows(); }
};

} // namespace vicinal
