#pragma once

#include <cstddef>

#include "distance/metric.hpp"

namespace vicinal {

// The stop rule of a search: it stops once the next candidate is farther than the last wanted
// neighbour by more than a factor. Distances show how hard a query is, so easy queries stop early;
// a fixed beam width cannot do that. (Al-Jazzazi et al., "Distance Adaptive Beam Search", 2025.)
struct Stop {
  // Dot distances have no natural zero, so a factor means nothing for them.
  static constexpr bool suits(Metric metric) { return metric != Metric::Dot; }
  static constexpr float originOf(Metric metric) { return metric == Metric::Cosine ? 1.0f : 0.0f; }

  // Neighbours wanted; 0: only the beam's width ends the search.
  size_t wanted = 0;
  float factor = 1;
  // Added to a distance so that distances start at zero.
  float origin = 0;

  float boundAt(float lastWanted) const { return (lastWanted + origin) * factor - origin; }
};

} // namespace vicinal
