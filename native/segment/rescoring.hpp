// Decides how many candidates by code are rescored exactly: rescoring goes on while the next
// candidate may be among the nearest.
//
// The error of codes differs from query to query; the candidates scored so far show it. The next
// candidate's exact distance is estimated as its distance by code plus the mean error, within a
// number of standard deviations. That number is epsilon (`doubt`, which is calibrated). Rescoring
// stops when even this lower bound is too far. The rule works for every kind of code.
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
  // The most candidates to rescore.
  size_t most = 0;
  // Neighbours wanted.
  size_t wanted = 0;
  // Epsilon; infinite: rescore all of `most`.
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

  // The size of the next batch if there are enough candidates.
  size_t lot() const {
    const size_t left = rescoring_.most - scored_;
    if (std::isinf(rescoring_.doubt)) return left;
    const size_t first =
        std::max(kFewestAtFirst, rescoring_.wanted + rescoring_.wanted / kFirstShare);
    if (scored_ < first) return std::min(left, first - scored_);
    return std::min(left, std::max(kFewestAtOnce, rescoring_.wanted / kNextShare));
  }

  // The number of candidates to rescore next. `byCode` is in the order of codes and begins with the
  // candidates already scored.
  size_t next(const Neighbor* byCode, size_t count) const {
    const size_t lot = std::min(this->lot(), count - scored_);
    const bool isBeyondDoubt = lot > 0 && scored_ >= kFewestAtFirst && !nearest_.empty() &&
                               nearest_.size() == rescoring_.wanted &&
                               isFarther(leastOf(byCode[scored_].distance), nearest_.back());
    return isBeyondDoubt ? 0 : lot;
  }

  // Adds the exact distances of `count` more candidates.
  void add(const Neighbor* byCode, const float* exact, size_t count) {
    for (size_t at = 0; at < count; at++) {
      // Distances that overflowed tell nothing about codes.
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
  // Batch sizes. The first batch has the wanted candidates plus a fifth, and at least
  // kFewestAtFirst, because it must show the error of codes. Later batches have a fraction of the
  // wanted ones, so that rows are fetched side by side.
  static constexpr size_t kFewestAtFirst = 12;
  static constexpr size_t kFirstShare = 5;
  static constexpr size_t kNextShare = 8;
  static constexpr size_t kFewestAtOnce = 8;
  static constexpr double kRounding = 1e-6;

  // As far as `last` or farther, up to rounding: equal distances are no improvement.
  static bool isFarther(double distance, double last) {
    return distance >= last - kRounding * std::fabs(last);
  }

  // The lower bound of the candidate's exact distance.
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
  // The least exact distances; the last wanted one is at the back once there are enough.
  std::vector<float> nearest_;
};

} // namespace vicinal
