// Scores that combine the distances to several vectors: to liked and disliked points, to pairs that
// divide the space, to rated results. Inside the kernel a score is a distance, so it is negated;
// for callers greater scores are better with every metric.
//
// A similarity below is a negative distance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sparse/sparse_vector.hpp"

namespace vicinal {

// How the distances to several vectors become one.
struct Combination {
  enum class Combine : uint8_t {
    // Positives, then negatives: the greatest similarity, positive if it is to a positive, negative
    // otherwise.
    BestScore,
    // Positives, then negatives: the sum of similarities, those to negatives subtracted.
    SumScores,
    // A target, then pairs of a positive and a negative. Counts pairs with the point on the right
    // side minus pairs with it on the wrong side. Ties are ordered by the similarity to the target.
    Discover,
    // Pairs: how far the point is on the wrong sides.
    Context,
    // The weighted sum of similarities.
    Feedback,
  };

  Combine combine = Combine::BestScore;
  uint32_t count = 0;
  uint32_t positives = 0;
  std::vector<float> weights;

  // Whether the numbers of vectors and weights fit the kind.
  bool isWellFormed() const;
  // Combines the distances to the examples, which are `stride` apart, into one. Finite.
  float distanceOf(const float* distances, size_t stride) const;
};

struct Examples : Combination {
  // One vector after the other, prepared like queries.
  std::vector<float> vectors;
  // For multivectors: the number of vectors of each example.
  std::vector<uint32_t> counts;
};

struct SparseExamples : Combination {
  // The start of each example, and the end of the last one.
  std::vector<uint32_t> offsets;
  // Ascending within each example.
  std::vector<uint32_t> indices;
  std::vector<float> values;

  SparseVector vector(uint32_t at) const {
    return {indices.data() + offsets[at], values.data() + offsets[at],
            offsets[at + 1] - offsets[at]};
  }
};

} // namespace vicinal
