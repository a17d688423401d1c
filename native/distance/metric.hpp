// The metrics. Inside the kernel a *distance* is a float, and smaller is nearer. A *score* is the
// caller's figure, in the metric's own terms.
//
//   metric   distance               score
//   Cosine   -dot (of unit vectors) dot, greater is nearer
//   Dot      -dot                   dot, greater is nearer
//   L2       squared Euclid         Euclid, smaller is nearer
//   L1       Manhattan              Manhattan, smaller is nearer
//
// A distance is never NaN: a sum that overflows counts as the greatest finite float.
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

// Converts a score threshold to the greatest distance that still meets it.
inline float distanceOf(Metric metric, float score) {
  if (metric == Metric::L2) return score < 0 ? -1.0f : score * score;
  if (metric == Metric::L1) return score;
  return -score;
}

} // namespace vicinal
