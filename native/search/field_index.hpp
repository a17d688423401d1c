// Access of reads to the payload index of one field in one segment.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "filter/plan.hpp"
#include "search/segment_rows.hpp"

namespace vicinal {

inline std::shared_ptr<const PayloadIndex> findIndex(const Segment& segment,
                                                     const std::string& field) {
  for (const auto indexes = segment.indexes(); const auto& index : *indexes)
    if (index->field() == field) return index;
  return nullptr;
}

// Cost of extracting values from one byte of a payload.
constexpr uint64_t kUnitsPerByteTaken = 4;

// Calls `visit(row, text)` for the visible rows whose values the index does not have: rows behind
// its coverage, and rows whose payload has changed.
template <typename Visit>
void forEachUnindexed(const SegmentView& view, const SegmentRows& rows, uint32_t covered,
                      const Visit& visit) {
  view.segment->payloads().forEachOverlaid(view.rows, [&](uint32_t row) {
    if (row < covered && view.isVisible(row)) visit(row, rows.payload(row));
  });
  for (uint32_t row = covered; row < view.rows && !rows.work().isStopped(); row++)
    if (view.isVisible(row)) visit(row, rows.payload(row));
}

} // namespace vicinal
