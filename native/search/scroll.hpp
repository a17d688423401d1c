// Points in the order of their ids, and counts.
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

// How many points match; all of them without a filter. `vectors`: how many named vectors there are.
Result<uint64_t> count(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                       const CancelFlag* cancel);

// The same where it is expected to end within `mostNs`; nothing where it is not.
Result<std::optional<uint64_t>> countWithin(const Snapshot& snapshot, size_t vectors,
                                            const FilterBytes& filter, double mostNs);

// How many points of each segment match, for reports of a search in all segments of this snapshot.
Status countMatches(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                    const CancelFlag* cancel, std::vector<SegmentReport>& reports);

// The ids of the points that match, or of all, in order, as `kIdWords` words each.
Status selectIds(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                 const CancelFlag* cancel, Buffer<uint32_t>& ids);

} // namespace vicinal
