// The requested and the measured recall of the last measured queries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vicinal {

struct MeasuredQuery {
  float asked = 0;
  float got = 0;
  // The effort was planned for the requested recall.
  bool isByPlan = false;
  // Number of the query among all remembered ones.
  uint64_t number = 0;
};

class RecallWindow {
public:
  static constexpr size_t kMost = 256;

  void add(const MeasuredQuery& measured) {
    if (ring_.size() < kMost)
      ring_.push_back(measured);
    else
      ring_[ever_ % kMost] = measured;
    ever_++;
  }
  uint64_t ever() const { return ever_; }
  // 0 is the query measured last.
  const MeasuredQuery& last(size_t back) const { return ring_[(ever_ - 1 - back) % ring_.size()]; }
  // Means; 1 if there are none.
  double got() const { return mean(&MeasuredQuery::got); }
  double asked() const { return mean(&MeasuredQuery::asked); }
  uint64_t bytes() const { return ring_.capacity() * sizeof(MeasuredQuery); }

private:
  double mean(float MeasuredQuery::*field) const {
    if (ring_.empty()) return 1;
    double sum = 0;
    for (const MeasuredQuery& each : ring_) sum += double(each.*field);
    return sum / double(ring_.size());
  }

  std::vector<MeasuredQuery> ring_;
  uint64_t ever_ = 0;
};

} // namespace vicinal
