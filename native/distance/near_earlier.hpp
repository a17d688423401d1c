// Near duplicates among vectors that are about to be written together.
#pragma once

#include <cstddef>
#include <cstdint>

#include "distance/metric.hpp"

namespace vicinal {

// Vectors end to end, and of each the `idWords` words of its point's id.
struct WrittenVectors {
  const float* data;
  const uint32_t* ids;
  size_t count;
  size_t dim;
  size_t idWords;
};

// Writes of each vector the first one before it, at most `window` rows back, of another point whose
// distance is at most `most`, and that distance's score; -1 if there is none. A vector that is near
// to an earlier one itself, or whose place in `found` is not -1 beforehand, is passed over, so that
// of several near vectors the first one stays.
void nearEarlier(const WrittenVectors& vectors, Metric metric, float most, size_t window,
                 int32_t* found, float* scores);

} // namespace vicinal
