// Which share of a filter's candidates matches, from a look at some of them.
#pragma once

#include "filter/plan.hpp"
#include "search/segment_rows.hpp"

namespace vicinal {

constexpr uint32_t kSampledRows = 128;

double sampledMatches(const FilterPlan& plan, const SegmentRows& rows);

} // namespace vicinal
