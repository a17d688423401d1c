#include "search/segment_report.hpp"

#include <algorithm>

#include "search/segment_search.hpp"

namespace vicinal {

SegmentReport SegmentSearch::report() const {
  SegmentReport report;
  report.segment = view_.segment->number();
  report.points = view_.segment->liveRows();
  report.linked = linked_;
  report.strategy = strategy_;
  // Vertices that are not in the graph have no codes yet.
  const bool scansByCode = scansCodes_ && linked_ > 0;
  report.byCodes = plan_ ? search_.hasCodes() : scansByCode;
  if (filter_ != nullptr) {
    report.walkCost = costs_.walk;
    report.scanCost = costs_.scan;
  }
  if (!plan_) {
    report.whyNoWalk = vicinal::whyNoWalk(space_, request_, linked_);
    report.recall = scansByCode ? double(space_.calibration()->recallOfCodes()) : 1;
    return report;
  }
  report.tail = scanEnd() - std::min(scanEnd(), linked_);
  report.width = plan_->options.ef;
  report.reach = plan_->options.stop.wanted > 0 ? plan_->options.stop.factor : 0;
  report.plannedDistances = plan_->distances;
  report.recall = plan_->recall;
  return report;
}

} // namespace vicinal
