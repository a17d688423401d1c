// Estimates selectivity among a filter's candidates from a sample.
#pragma once

#include <functional>

#include "filter/plan.hpp"
#include "search/segment_rows.hpp"

namespace vicinal {

constexpr uint32_t kSampledRows = 128;

double sampledMatches(const FilterPlan& plan, const SegmentRows& rows);
// The share of candidates for which `holds(row)` is true, whether they match or not.
double sampledShare(const FilterPlan& plan, const SegmentRows& rows,
                    const std::function<bool(uint32_t)>& holds);

} // namespace vicinal
