// Near twins of a vector: copies with a little noise, versions of a text, frames of a film.
//
// Who is hidden to be sought leaves its twins behind, and their lists lead to all that is near. A
// caller's query has no such guide unless its own twins are stored. So a vector is hidden together
// with its twins, and what is left is measured (search/calibrator.hpp).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "segment/calibration.hpp"

namespace vicinal {

// Larger groups are clusters: callers ask within these.
constexpr size_t kMostTwins = 64;
// Twins are nearer than this share of the distance to the tenth neighbour beyond them.
constexpr float kTwinShare = 0.25f;

// How many of the nearest are twins, of distances that start at zero and ascend.
inline size_t countTwins(const std::vector<float>& ascending) {
  if (ascending.size() < kCalibratedWanted) return 0;
  size_t count = std::min(kMostTwins, ascending.size() - kCalibratedWanted);
  while (count > 0 &&
         !(ascending[count - 1] < kTwinShare * ascending[count - 1 + kCalibratedWanted]))
    count--;
  return count;
}

// A distance of the kernel as one that is twice as much where two are twice as far apart. Of Dot
// there is none: the squared distance of Euclid is to be given instead.
inline float apart(Metric metric, float distance) {
  if (metric == Metric::L1) return distance;
  return std::sqrt(std::max(0.0f, distance + Stop::originOf(metric)));
}

} // namespace vicinal
