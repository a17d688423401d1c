// The k nearest of candidates whose distances are all known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/neighbor.hpp"

namespace vicinal {

// Writes the k nearest to `nearest`, ordered by `isNearer`; NaN is never kept. Returns false, with
// `nearest` unusable, if a heap would be faster: for a large k, or many equal distances.
//
// A heap branches on whether each distance is near enough and on its place in the heap. The
// processor can predict neither, and a wrong prediction costs as much as a distance of some hundred
// dimensions. This function has no such branches. It deals the distances out to lanes; the k-th
// nearest of the lanes' minima bounds the k nearest. The few distances within the bound are ranked
// by counting nearer ones.
bool selectNearest(const float* distances, const uint32_t* vertices, size_t count, size_t k,
                   std::vector<Neighbor>& nearest);

// Sorts by `isNearer`; faster than a sort for few elements. No distance may be NaN.
void sortNearest(Neighbor* first, size_t count);

// Keeps the k least values and returns the greatest of them, which comes last; the others have no
// order. There must be at least k values and no NaN.
float keepLeast(std::vector<float>& values, size_t k);

// The number of distances up to the bound.
size_t countWithin(float bound, const float* distances, size_t count);

// A bound that at least k of `count` distances do not exceed. Not many more than k do so, unless
// distances are equal or far apart. k is at least 1, and at least k distances are not NaN.
float boundWithin(const float* distances, size_t count, size_t k);

} // namespace vicinal
