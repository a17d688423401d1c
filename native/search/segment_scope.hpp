// The starting point of a search within one segment.
#pragma once

#include <cstddef>

#include "base/cancel.hpp"
#include "filter/plan.hpp"
#include "search/row_block.hpp"
#include "search/segment_report.hpp"
#include "search/segment_rows.hpp"

namespace vicinal {

struct SegmentScope {
  Segment& segment;
  const SegmentView view;
  const SegmentRows rows;
  // Null: every visible row matches.
  const FilterNode* const filter;
  const CancelFlag* const cancel;
  const Waiting waiting;

  SegmentScope(const Snapshot& snapshot, size_t at, const FilterNode* filter,
               const CancelFlag* cancel, Waiting waiting)
      : segment(snapshot.segment(at)), view(snapshot, at), rows(view, snapshot, cancel),
        filter(filter), cancel(cancel), waiting(waiting) {}

  // A copy without the filter.
  explicit SegmentScope(const SegmentScope& of, std::nullptr_t)
      : segment(of.segment), view(of.view), rows(of.rows), filter(nullptr), cancel(of.cancel),
        waiting(of.waiting) {}

  FilterPlan planned() const {
    if (filter == nullptr) return FilterPlan::all(view.rows);
    const auto indexes = segment.indexes();
    return planFilter(*filter, rows, *indexes);
  }
  bool isCancelled() const { return cancel != nullptr && cancel->isCancelled(); }
  Status checkCancelled() const {
    return isCancelled() ? Status(Code::Cancelled, "the search was cancelled") : Status::ok();
  }
  // A report with the segment's identity; the search fills in the rest.
  SegmentReport report() const {
    SegmentReport report;
    report.segment = segment.number();
    report.points = segment.liveRows();
    return report;
  }
};

} // namespace vicinal
