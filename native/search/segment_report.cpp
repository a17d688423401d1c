#include "search/segment_report.hpp"

#include <algorithm>
#include <string_view>

#include "search/segment_search.hpp"

namespace vicinal {

SegmentReport SegmentSearch::report() const {
  if (comparesAll_) return reportOfCompared();
  const std::string_view strategy = strategy_;
  const auto names = [&](const char* what) {
    return strategy.find(what) != std::string_view::npos;
  };
  // A walk may have been planned but not made, or given up.
  const bool hasWalked = (walkPlan() || acceptedPlan_) && names("graph");
  const bool isOfScan = !hasWalked || names("scan");
  // Vertices that are not in the graph have no codes yet.
  const bool scansByCode = scanPlan() && linked_ > 0;
  SegmentReport report = scope_.report();
  report.linked = linked_;
  report.strategy = strategy_;
  report.codes = hasWalked || scansByCode ? search_.codeKind() : CodeKind::None;
  if (isFiltered()) {
    report.walkCost = costs_.walk;
    report.scanCost = costs_.scan;
  }
  if (!walkPlan()) report.whyNoWalk = vicinal::whyNoWalk(space_, request_, linked_);
  if (isOfScan)
    report.recall = scansByCode ? double(scanPlan()->recall) : 1;
  else
    report.recall = (acceptedPlan_ ? *acceptedPlan_ : *walkPlan()).recall;
  if (!hasWalked) return report;
  const WalkPlan& made = acceptedPlan_ ? *acceptedPlan_ : *walkPlan();
  report.tail = scanEnd() - std::min(scanEnd(), linked_);
  report.width = made.options.ef;
  report.reach = made.options.stop.wanted > 0 ? made.options.stop.factor : 0;
  report.plannedDistances = made.distances;
  return report;
}

// The matches were compared directly, so nothing was planned.
SegmentReport SegmentSearch::reportOfCompared() const {
  SegmentReport report = scope_.report();
  report.linked = linked_;
  report.strategy = strategy_;
  report.whyNoWalk = request_.isExact ? "exact" : "few";
  report.recall = 1;
  return report;
}

} // namespace vicinal
