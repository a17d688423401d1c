// Which share of a filter's candidates matches, from a look at some of them.
#pragma once

#include <functional>

#include "filter/plan.hpp"
#include "search/segment_rows.hpp"

namespace vicinal {

constexpr uint32_t kSampledRows = 128;

double sampledMatches(const FilterPlan& plan, const SegmentRows& rows);
// Which share of the candidates `holds(row)`, whether they match or not.
double sampledShare(const FilterPlan& plan, const SegmentRows& rows,
                    const std::function<bool(uint32_t)>& holds);

} // namespace vicinal
