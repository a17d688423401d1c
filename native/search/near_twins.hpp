// Near twins of a vector: copies with a little noise, versions of a text, frames of a film.
//
// A hidden vector leaves its twins behind, and their lists lead to everything near it. A caller's
// query has such a guide only if its own twins are stored. So a sample is also searched for with
// its twins hidden (search/calibrator.hpp).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "segment/calibration.hpp"

namespace vicinal {

// Larger groups are clusters, and callers search within clusters.
constexpr size_t kMostTwins = 64;
// A twin is nearer than this share of the distance to the tenth neighbour beyond the twins.
constexpr float kTwinShare = 0.25f;

// The number of nearest vectors that are twins. Distances start at zero and ascend.
inline size_t countTwins(const std::vector<float>& ascending) {
  if (ascending.size() < kCalibratedWanted) return 0;
  size_t count = std::min(kMostTwins, ascending.size() - kCalibratedWanted);
  while (count > 0 &&
         !(ascending[count - 1] < kTwinShare * ascending[count - 1 + kCalibratedWanted]))
    count--;
  return count;
}

// Converts a kernel distance to one that doubles when two vectors are twice as far apart. Dot has
// no such distance; pass the squared Euclidean distance instead.
inline float apart(Metric metric, float distance) {
  if (metric == Metric::L1) return distance;
  return std::sqrt(std::max(0.0f, distance + Stop::originOf(metric)));
}

} // namespace vicinal
