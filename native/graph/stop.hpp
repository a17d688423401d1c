#pragma once

#include <cstddef>

#include "distance/metric.hpp"

namespace vicinal {

// When a search has looked far enough: once the next candidate is farther than the last one wanted
// by more than a factor. How hard a query is shows in its distances, so easy ones stop early, which
// no fixed width of the beam can do. (Al-Jazzazi et al., "Distance Adaptive Beam Search", 2025.)
struct Stop {
  // Distances of Dot begin nowhere, so no factor tells what is far.
  static constexpr bool suits(Metric metric) { return metric != Metric::Dot; }
  static constexpr float originOf(Metric metric) { return metric == Metric::Cosine ? 1.0f : 0.0f; }

  // Neighbours wanted; 0: only the width of the beam stops.
  size_t wanted = 0;
  float factor = 1;
  // What makes a distance of the kernel one that starts at zero.
  float origin = 0;

  float boundAt(float lastWanted) const { return (lastWanted + origin) * factor - origin; }
};

} // namespace vicinal
