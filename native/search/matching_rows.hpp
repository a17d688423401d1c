// Iterates over the rows that a snapshot shows and a filter accepts, segment by segment.
#pragma once

#include <optional>

#include "base/work_meter.hpp"
#include "filter/plan.hpp"
#include "search/segment_rows.hpp"

namespace vicinal {

// Cost of looking at a row, without its conditions.
constexpr uint64_t kUnitsPerRow = 16;

// Calls `visit(row, passes)` for the visible rows of one segment that may match a plan. `passes()`
// tells whether the row matches; it may cost more than the visitor's own checks, so these can come
// first.
template <typename Visit>
Status forEachPlanned(const SegmentView& view, const SegmentRows& rows, const FilterPlan& plan,
                      const Visit& visit) {
  WorkMeter& work = rows.work();
  const auto look = [&](uint32_t row) {
    if (!work.spend(kUnitsPerRow) || !view.isVisible(row)) return;
    visit(row, [&] { return plan.isComplete() || plan.passes(rows, row); });
  };
  if (plan.candidates() != nullptr) {
    plan.candidates()->forEach(look);
  } else {
    for (uint32_t row = 0; row < view.rows && !work.isStopped(); row++) look(row);
  }
  return work.status();
}

// The same for a filter.
template <typename Visit>
Status forEachMatch(const SegmentView& view, const Snapshot& snapshot, const FilterNode& filter,
                    const CancelFlag* cancel, const Visit& visit) {
  const SegmentRows rows(view, snapshot, cancel);
  const auto indexes = view.segment->indexes();
  const FilterPlan plan = planFilter(filter, rows, *indexes);
  return forEachPlanned(view, rows, plan, visit);
}

template <typename Visit>
Status forEachVisible(const SegmentView& view, const CancelFlag* cancel, const Visit& visit) {
  WorkMeter work(cancel);
  for (uint32_t row = 0; row < view.rows; row++) {
    if (!work.spend(kUnitsPerRow)) return work.status();
    if (view.isVisible(row)) visit(row, [] { return true; });
  }
  return Status::ok();
}

// Calls `visit(segment, row, passes)` for every row that the snapshot shows and that may match.
template <typename Visit>
Status forEachRow(const Snapshot& snapshot, const FilterNode* filter, const CancelFlag* cancel,
                  const Visit& visit) {
  for (size_t at = 0; at < snapshot.count(); at++) {
    const SegmentView view(snapshot, at);
    const auto inSegment = [&](uint32_t row, const auto& passes) {
      visit(snapshot.segment(at), row, passes);
    };
    VICINAL_TRY(filter == nullptr ? forEachVisible(view, cancel, inSegment)
                                  : forEachMatch(view, snapshot, *filter, cancel, inSegment));
  }
  return Status::ok();
}

} // namespace vicinal
