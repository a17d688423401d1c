#include "search/match_sample.hpp"

#include <algorithm>
#include <cmath>

namespace vicinal {

double sampledMatches(const FilterPlan& plan, const SegmentRows& rows) {
  if (plan.isComplete()) return 1;
  return sampledShare(plan, rows, [&](uint32_t row) { return plan.passes(rows, row); });
}

double sampledShare(const FilterPlan& plan, const SegmentRows& rows,
                    const std::function<bool(uint32_t)>& holds) {
  uint32_t looked = 0;
  uint32_t matched = 0;
  const auto look = [&](uint32_t row) {
    looked++;
    matched += holds(row) ? 1 : 0;
  };
  if (const RowBitmap* candidates = plan.candidates()) {
    const uint32_t step = std::max(1u, plan.candidateCount() / kSampledRows);
    candidates->forEachNth(step, look);
  } else {
    // Multiples of the golden ratio: evenly spread, neither consecutive nor in step with a period
    // of the data.
    for (uint32_t at = 0; at < std::min(kSampledRows, rows.rows()); at++) {
      const double turns = at * 0.6180339887498949;
      look(static_cast<uint32_t>((turns - std::floor(turns)) * rows.rows()));
    }
  }
  return looked == 0 ? 0 : static_cast<double>(matched) / looked;
}

} // namespace vicinal
