#include "distance/leading_reach.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace vicinal {

namespace {

// What is lost of a row, of its length.
constexpr double kLost = 0x1p-8;
// Twice what a float is off for each addition, for two sums.
constexpr double kRounding = 0x1p-22;
// Lengths that are one, or were added up in floats, are no longer than this times what they seem.
constexpr double kLonger = 1.001;

} // namespace

LeadingReach::LeadingReach(const Space& space, const float* query)
    : metric_(space.metric), rounding_(double(space.dim) * kRounding) {
  const float squared = -kernels().floats.distance[size_t(Metric::Dot)](query, query, space.dim);
  // Of a square beyond floats nothing is known but that.
  queryLength_ = squared < FLT_MAX ? kLonger * std::sqrt(double(squared)) : INFINITY;
}

float LeadingReach::of(float distance) const {
  double reach = 0;
  if (metric_ == Metric::Cosine) {
    reach = double(distance) + 2 * (kLost + rounding_) * kLonger * queryLength_;
  } else {
    // A row is at most as long as the query and what is between them; what is lost of it is so much
    // of what can be seen of that.
    constexpr double lost = kLost / (1 - kLost);
    const double seen = std::sqrt(std::max(0.0, double(distance)));
    const double length = (seen * (1 + lost) + 2 * lost * queryLength_) / (1 - lost);
    reach = length * length * (1 + rounding_) + double(FLT_MIN);
  }
  return static_cast<float>(std::clamp(reach, double(distance), double(FLT_MAX)));
}

} // namespace vicinal
