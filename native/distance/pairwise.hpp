// Distances between all pairs of a few vectors.
#pragma once

#include <cstddef>

#include "base/buffer.hpp"
#include "base/cancel.hpp"
#include "base/status.hpp"

namespace vicinal {

// The squared Euclidean distances of `count` vectors to each other: `count` rows of as many.
Status squaredDistances(const float* vectors, size_t count, size_t dim, const CancelFlag* cancel,
                        Buffer<float>& distances);

} // namespace vicinal
