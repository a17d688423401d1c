// The k nearest of some whose distances are all there at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/neighbor.hpp"

namespace vicinal {

// Nearest first, as `isNearer` has it; NaN is never kept. False, and nothing of
// use in `nearest`, where it would take longer than a heap: for a large k, or many that are equal.
//
// A heap asks of each distance whether it is near enough, and of those in the heap which one comes
// next: no processor guesses either, and a wrong guess costs as much as a distance of some hundred
// dimensions. Here nothing is guessed. Distances are dealt out to lanes, so that the k-th nearest
// of the lanes' own nearest is a bound that k are within; the few within it are put in their places
// by counting how many are nearer.
bool selectNearest(const float* distances, const uint32_t* vertices, size_t count, size_t k,
                   std::vector<Neighbor>& nearest);

// Nearest first, as `isNearer` has it; a few sooner than any sort. None is NaN.
void sortNearest(Neighbor* first, size_t count);

// Keeps the k least of at least as many, none of them NaN, in any order but that the last of them
// is the last.
float keepLeast(std::vector<float>& values, size_t k);

// How many are not beyond the bound.
size_t countWithin(float bound, const float* distances, size_t count);

// A distance that at least k of `count` are within, and not many more unless they are equal or lie
// far apart. At least k of them are no NaN, and k is at least 1.
float boundWithin(const float* distances, size_t count, size_t k);

} // namespace vicinal
