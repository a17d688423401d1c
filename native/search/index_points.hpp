// The number of points with a value in each payload index.
#pragma once

#include <string>
#include <vector>

#include "segment/snapshot.hpp"

namespace vicinal {

struct IndexPoints {
  std::string field;
  uint64_t points = 0;
};

// Live points only. A payload that was changed since its row was appended is not in the index, so
// it is read. Of more than 4096 such rows in a segment a sample is read, and the count is an
// estimate.
std::vector<IndexPoints> indexPoints(const Snapshot& snapshot);

} // namespace vicinal
