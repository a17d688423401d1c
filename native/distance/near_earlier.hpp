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

// Writes for each vector the first near one before it, and its score; -1 if there is none. Near
// vectors are at most `window` rows back, of another point, and at a distance of at most `most`. A
// vector is passed over if it is near to an earlier one itself, or if its place in `found` is not
// -1 beforehand. So of several near vectors the first one stays.
void nearEarlier(const WrittenVectors& vectors, Metric metric, float most, size_t window,
                 int32_t* found, float* scores);

} // namespace vicinal
