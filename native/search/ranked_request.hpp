// What is asked of every search, whatever ranks the rows: which page, of which rows, and what of
// them.
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
  // Whether the result says how each segment was searched.
  bool explains = false;
};

} // namespace vicinal
