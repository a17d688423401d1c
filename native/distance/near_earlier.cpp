#include "distance/near_earlier.hpp"

#include <algorithm>
#include <vector>

#include "distance/kernels.hpp"

namespace vicinal {

void nearEarlier(const WrittenVectors& vectors, Metric metric, float most, size_t window,
                 int32_t* found, float* scores) {
  const auto [data, ids, count, dim, idWords] = vectors;
  const DistanceManyFn distancesTo = kernels().floats.distanceMany[size_t(metric)];
  std::vector<float> distances(std::min(window, count));
  for (size_t row = 0; row < count; row++) {
    if (found[row] != -1) continue;
    const size_t first = row > window ? row - window : 0;
    const float* vector = data + row * dim;
    distancesTo(vector, data + first * dim, nullptr, row - first, dim, distances.data());
    for (size_t at = first; at < row && found[row] == -1; at++) {
      if (found[at] != -1 || distances[at - first] > most) continue;
      // A point that is written again is no duplicate of itself.
      if (std::equal(ids + at * idWords, ids + (at + 1) * idWords, ids + row * idWords)) continue;
      found[row] = int32_t(at);
      scores[row] = scoreOf(metric, distances[at - first]);
    }
  }
}

} // namespace vicinal
