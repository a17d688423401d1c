// Points in id order, and counts.
#pragma once

#include <optional>
#include <vector>

#include "base/cancel.hpp"
#include "search/filter_bytes.hpp"
#include "search/row_block.hpp"
#include "search/segment_report.hpp"

namespace vicinal {

struct ScrollRequest {
  // Inclusive.
  std::optional<PointId> from;
  uint32_t limit = 10;
  FilterBytes filter;
  RowFields fields;
};

struct ScrollResult {
  RowBlock rows;
  // The first id of the next page.
  std::optional<PointId> next;
};

Status scroll(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
              const ScrollRequest& request, const CancelFlag* cancel, ScrollResult& result);

// The number of matching points; all points without a filter. `vectors` is the number of named
// vectors.
Result<uint64_t> count(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                       const CancelFlag* cancel);

// Like `count`, if it is expected to end within `mostNs`; otherwise nothing.
Result<std::optional<uint64_t>> countWithin(const Snapshot& snapshot, size_t vectors,
                                            const FilterBytes& filter, double mostNs);

// The number of matching points of each segment, for the reports of a search over this snapshot.
Status countMatches(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                    const CancelFlag* cancel, std::vector<SegmentReport>& reports);

// The ids of the matching points (or of all) in order, as `kIdWords` words each.
Status selectIds(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                 const CancelFlag* cancel, Buffer<uint32_t>& ids);

} // namespace vicinal
