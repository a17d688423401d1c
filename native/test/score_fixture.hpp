// Scores by several examples, computed from their definitions in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "search/examples.hpp"

namespace vicinal::test {

inline double sigmoid(double x) { return x / (1 + std::fabs(x)); }

// `to`: the similarities to the examples.
inline double combinedScore(const Combination& combination, const std::vector<double>& to) {
  using Combine = Combination::Combine;
  const uint32_t count = combination.count;
  const uint32_t positives = combination.positives;
  double score = 0;
  switch (combination.combine) {
  case Combine::BestScore: {
    double liked = -INFINITY, disliked = -INFINITY;
    for (uint32_t at = 0; at < count; at++)
      (at < positives ? liked : disliked) = std::max(at < positives ? liked : disliked, to[at]);
    return liked > disliked ? (sigmoid(liked) + 1) / 2 : -(sigmoid(disliked) + 1) / 2;
  }
  case Combine::SumScores:
    for (uint32_t at = 0; at < count; at++) score += at < positives ? to[at] : -to[at];
    return score;
  case Combine::Discover:
    for (uint32_t at = 1; at < count; at += 2)
      score += to[at] > to[at + 1] ? 1 : to[at] < to[at + 1] ? -1 : 0;
    return score + (sigmoid(to[0]) + 1) / 2;
  case Combine::Context:
    for (uint32_t at = 0; at < count; at += 2)
      score += sigmoid(std::min(0.0, to[at] - to[at + 1] - 1.1920929e-7));
    return score;
  case Combine::Feedback:
    for (uint32_t at = 0; at < count; at++) score += combination.weights[at] * to[at];
    return score;
  }
  return score;
}

} // namespace vicinal::test
