// How far apart two vectors are. Inside the kernel a *distance* is a float of which smaller is
// nearer; a *score* is what callers see, in the metric's own terms.
//
//   metric   distance               score
//   Cosine   -dot (of unit vectors) dot, greater is nearer
//   Dot      -dot                   dot, greater is nearer
//   L2       squared Euclid         Euclid, smaller is nearer
//   L1       Manhattan              Manhattan, smaller is nearer
//
// A distance is never NaN: sums that overflow count as the greatest finite float.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstdint>

namespace vicinal {

enum class Metric : uint8_t { Cosine, Dot, L2, L1 };

inline float scoreOf(Metric metric, float distance) {
  if (metric == Metric::L2) return std::sqrt(distance);
  if (metric == Metric::L1) return distance;
  return -distance;
}

// The distance a score stands for: the greatest distance that still meets the threshold `score`.
inline float distanceOf(Metric metric, float score) {
  if (metric == Metric::L2) return score < 0 ? -1.0f : score * score;
  if (metric == Metric::L1) return score;
  return -score;
}

} // namespace vicinal
