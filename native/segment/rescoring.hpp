// How many of those that codes have found are scored exactly: as long as the next one may be among
// the nearest.
//
// How far codes are off differs from query to query, and shows once some have been scored: the next
// one's exact distance is its distance by code and what these were off on average, give or take
// their deviation. Beyond so many deviations (`doubt`, which is calibrated) no further one is worth
// reading its vector. Nothing here knows what kind of code it is.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <vector>

#include "graph/neighbor.hpp"
#include "graph/select_nearest.hpp"

namespace vicinal {

struct Rescoring {
  // Of the nearest by code, at most so many.
  size_t most = 0;
  // Neighbours wanted.
  size_t wanted = 0;
  // Infinite: all of `most`.
  float doubt = std::numeric_limits<float>::infinity();
};

class RescoringProgress {
public:
  void start(const Rescoring& rescoring) {
    rescoring_ = rescoring;
    scored_ = comparable_ = 0;
    errors_ = squares_ = 0;
    nearest_.clear();
  }

  size_t scored() const { return scored_; }

  // How many would be scored next, were there as many.
  size_t lot() const {
    const size_t left = rescoring_.most - scored_;
    if (std::isinf(rescoring_.doubt)) return left;
    const size_t first =
        std::max(kFewestAtFirst, rescoring_.wanted + rescoring_.wanted / kFirstShare);
    if (scored_ < first) return std::min(left, first - scored_);
    return std::min(left, std::max(kFewestAtOnce, rescoring_.wanted / kNextShare));
  }

  // How many to score next of these, which are in the order of their codes and begin with those
  // that have been scored.
  size_t next(const Neighbor* byCode, size_t count) const {
    const size_t lot = std::min(this->lot(), count - scored_);
    const bool isBeyondDoubt = lot > 0 && scored_ >= kFewestAtFirst && !nearest_.empty() &&
                               nearest_.size() == rescoring_.wanted &&
                               isFarther(leastOf(byCode[scored_].distance), nearest_.back());
    return isBeyondDoubt ? 0 : lot;
  }

  // `count` more have these exact distances.
  void add(const Neighbor* byCode, const float* exact, size_t count) {
    for (size_t at = 0; at < count; at++) {
      // Distances that are no numbers say nothing of codes.
      if (!(std::fabs(exact[at]) < FLT_MAX)) continue;
      comparable_++;
      const double error = double(exact[at]) - byCode[at].distance;
      errors_ += error;
      squares_ += error * error;
    }
    scored_ += count;
    nearest_.insert(nearest_.end(), exact, exact + count);
    if (nearest_.size() < rescoring_.wanted || rescoring_.wanted == 0) return;
    keepLeast(nearest_, rescoring_.wanted);
  }

private:
  // Scored at once: of those wanted, a fifth more at first, so many at least, since they have to
  // show how far codes are off; and then a fraction at a time, in which rows come side by side.
  static constexpr size_t kFewestAtFirst = 12;
  static constexpr size_t kFirstShare = 5;
  static constexpr size_t kNextShare = 8;
  static constexpr size_t kFewestAtOnce = 8;
  static constexpr double kRounding = 1e-6;

  // As far or farther, but for what rounding does: equal ones are no better.
  static bool isFarther(double distance, double last) {
    return distance >= last - kRounding * std::fabs(last);
  }

  // What its exact distance hardly falls below.
  double leastOf(float byCode) const {
    const double count = double(std::max<size_t>(1, comparable_));
    const double mean = errors_ / count;
    const double variance = std::max(0.0, squares_ / count - mean * mean);
    return byCode + mean - double(rescoring_.doubt) * std::sqrt(variance);
  }

  Rescoring rescoring_;
  size_t scored_ = 0;
  size_t comparable_ = 0;
  double errors_ = 0;
  double squares_ = 0;
  // Exact distances, the last one wanted in its place once there are as many.
  std::vector<float> nearest_;
};

} // namespace vicinal
