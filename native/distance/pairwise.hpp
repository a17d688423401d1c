// Distances between all pairs of a few vectors.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/buffer.hpp"
#include "base/cancel.hpp"
#include "base/status.hpp"

namespace vicinal {

// The squared Euclidean distances of `count` vectors to each other: `count` rows of as many.
Status squaredDistances(const float* vectors, size_t count, size_t dim, const CancelFlag* cancel,
                        Buffer<float>& distances);

// For each split of `count` items, the sum of the distances of all ordered pairs whose items are
// both labelled 1. `distances` has `count` rows of as many, and `labels` has as many for each
// split.
Status sumsWithin(const float* distances, size_t count, const uint8_t* labels, size_t splits,
                  const CancelFlag* cancel, Buffer<double>& sums);

} // namespace vicinal
