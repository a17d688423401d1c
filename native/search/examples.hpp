// Scores that are made of the distances to several vectors: of points that are liked and disliked,
// of pairs that divide the space, of what was found and rated. As everything in the kernel they are
// distances, so a score is its negative, and greater scores are better whatever the metric.
//
// A similarity below is a negative distance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sparse/sparse_vector.hpp"

namespace vicinal {

// How the distances to several vectors make one.
struct Combination {
  enum class Combine : uint8_t {
    // Positives, then negatives: the greatest similarity, of one's own side if that is greater.
    BestScore,
    // The same: the sum of similarities, those of negatives subtracted.
    SumScores,
    // A target, then pairs of a positive and a negative: how many more pairs the point is on the
    // right side of than on the wrong one, and among equals how near the target it is.
    Discover,
    // Pairs: how far on the wrong sides it is.
    Context,
    // The sum of similarities, each weighted.
    Feedback,
  };

  Combine combine = Combine::BestScore;
  uint32_t count = 0;
  uint32_t positives = 0;
  std::vector<float> weights;

  // Whether there are as many vectors and weights as the kind needs.
  bool isWellFormed() const;
  // The one distance that the distances to the examples make, which are `stride` apart. Finite.
  float distanceOf(const float* distances, size_t stride) const;
};

struct Examples : Combination {
  // End to end, prepared as queries are.
  std::vector<float> vectors;
  // Of multivectors, how many each has.
  std::vector<uint32_t> counts;
};

struct SparseExamples : Combination {
  // Where each begins, and where the last one ends.
  std::vector<uint32_t> offsets;
  // Ascending within each.
  std::vector<uint32_t> indices;
  std::vector<float> values;

  SparseVector vector(uint32_t at) const {
    return {indices.data() + offsets[at], values.data() + offsets[at],
            offsets[at + 1] - offsets[at]};
  }
};

} // namespace vicinal
