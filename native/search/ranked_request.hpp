// The part that all search requests share: the page, the filter and the fields.
#pragma once

#include <vector>

#include "search/filter_bytes.hpp"
#include "search/row_block.hpp"

namespace vicinal {

struct RankedRequest {
  uint32_t limit = 10;
  uint32_t offset = 0;
  bool hasThreshold = false;
  float threshold = 0;
  FilterBytes filter;
  std::vector<PointId> exclude;
  RowFields fields;
  // Whether the result reports how each segment was searched, and counts the matches of the filter.
  bool explains = false;
  // A search that took at least this long reports its segments, without counting; negative: never.
  double reportsFromUs = -1;

  bool reports() const { return explains || reportsFromUs >= 0; }
};

} // namespace vicinal
