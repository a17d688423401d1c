#include "graph/select_nearest.hpp"

#include <algorithm>
#include <bit>
#include <cfloat>

namespace vicinal {

namespace {

constexpr size_t kLanes = 32;
// With a greater k most lanes would hold one of the k nearest, and the bound would lie far beyond
// the k-th.
constexpr size_t kMostSelected = kLanes / 2;
// Beyond this number, sorting is faster than ranking by counting.
constexpr size_t kMostWithin = 64;

// The number of distances that are less.
size_t rankOf(float distance, const float* among, size_t count) {
  uint32_t less = 0;
  for (size_t i = 0; i < count; i++) less += among[i] < distance ? 1 : 0;
  return less;
}

// The first value of each lane, in the order `isBefore`.
template <typename Before>
void firstOfLanes(const float* distances, size_t count, const Before& isBefore, float* first) {
  const size_t even = count - count % kLanes;
  for (size_t from = 0; from < even; from += kLanes)
    for (size_t lane = 0; lane < kLanes; lane++) {
      const float distance = distances[from + lane];
      first[lane] = isBefore(distance, first[lane]) ? distance : first[lane];
    }
  for (size_t at = even; at < count; at++)
    first[at - even] = isBefore(distances[at], first[at - even]) ? distances[at] : first[at - even];
}

constexpr auto isLess = [](float a, float b) { return a < b; };
constexpr auto isMore = [](float a, float b) { return a > b; };

// A bound that at least k of more than `kLanes` distances do not exceed.
float boundOfLanes(const float* distances, size_t count, size_t k) {
  float least[kLanes];
  std::fill_n(least, kLanes, FLT_MAX);
  firstOfLanes(distances, count, isLess, least);
  float bound = -FLT_MAX;
  for (const float distance : least)
    if (distance > bound && rankOf(distance, least, kLanes) < k) bound = distance;
  return bound;
}

} // namespace

size_t countWithin(float bound, const float* distances, size_t count) {
  uint32_t within = 0;
  for (size_t i = 0; i < count; i++) within += distances[i] <= bound ? 1 : 0;
  return within;
}

float boundWithin(const float* distances, size_t count, size_t k) {
  // A bound that covers k / kMoreShare more than k is good enough.
  constexpr size_t kMoreShare = 4;
  constexpr int kMostSteps = 12;
  constexpr float kLeastStep = 0.125f;
  float least[kLanes];
  float most[kLanes];
  std::fill_n(least, kLanes, FLT_MAX);
  std::fill_n(most, kLanes, -FLT_MAX);
  firstOfLanes(distances, count, isLess, least);
  firstOfLanes(distances, count, isMore, most);
  float low = *std::min_element(least, least + kLanes);
  float high = *std::max_element(most, most + kLanes);
  // Bisects between a bound with too few distances and one with enough. The next bound assumes that
  // the distances between the two are spread evenly.
  size_t below = 0;
  size_t within = count;
  for (int step = 0; step < kMostSteps && within > k + k / kMoreShare; step++) {
    const double wanted = double(k) + double(k) / (2 * kMoreShare) - double(below);
    const float share =
        std::clamp(float(wanted / double(within - below)), kLeastStep, 1 - kLeastStep);
    const float middle = low * (1 - share) + high * share;
    if (!(middle > low && middle < high)) break;
    const size_t found = countWithin(middle, distances, count);
    (found < k ? low : high) = middle;
    (found < k ? below : within) = found;
  }
  return high;
}

bool selectNearest(const float* distances, const uint32_t* vertices, size_t count, size_t k,
                   std::vector<Neighbor>& nearest) {
  nearest.clear();
  if (count > kMostWithin && k > kMostSelected) return false;
  const bool isBounded = count > kLanes && k <= kMostSelected;
  const float bound = isBounded ? boundOfLanes(distances, count, k) : FLT_MAX;
  Neighbor within[kMostWithin + 1];
  size_t size = 0;
  for (size_t at = 0; at < count && size <= kMostWithin; at++) {
    within[size] = {distances[at], vertices[at]};
    size += distances[at] <= bound ? 1 : 0;
  }
  if (size > kMostWithin) return false;
  sortNearest(within, size);
  nearest.assign(within, within + std::min(k, size));
  return true;
}

void sortNearest(Neighbor* first, size_t count) {
  float distances[kMostWithin];
  Neighbor unsorted[kMostWithin];
  if (count > kMostWithin) return std::sort(first, first + count, isNearer);
  std::copy_n(first, count, unsorted);
  for (size_t at = 0; at < count; at++) distances[at] = first[at].distance;
  uint64_t taken = 0;
  for (size_t at = 0; at < count; at++) {
    const size_t place = rankOf(distances[at], distances, count);
    taken |= uint64_t(1) << place;
    first[place] = unsorted[at];
  }
  // Equal distances share a rank; sorting then orders them by vertex.
  if (size_t(std::popcount(taken)) == count) return;
  std::copy_n(unsorted, count, first);
  std::sort(first, first + count, isNearer);
}

float keepLeast(std::vector<float>& values, size_t k) {
  float least[kMostWithin];
  if (values.size() > kMostWithin) {
    const auto last = values.begin() + ptrdiff_t(k - 1);
    std::nth_element(values.begin(), last, values.end());
    values.resize(k);
    return values.back();
  }
  uint64_t taken = 0;
  for (const float value : values) {
    size_t place = rankOf(value, values.data(), values.size());
    while ((taken >> place & 1) != 0) place++;
    taken |= uint64_t(1) << place;
    least[place] = value;
  }
  std::copy_n(least, k, values.begin());
  values.resize(k);
  return values.back();
}

} // namespace vicinal
