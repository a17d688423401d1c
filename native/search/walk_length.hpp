// The length of the walks of callers' queries. Queries of another kind than the data take longer
// walks, and the bound on a walk's length follows.
#pragma once

#include <algorithm>
#include <atomic>

namespace vicinal {

// The median walk relative to the calibrated median walk (Calibration). Walks that end at a bound
// beyond the median do not change it. Never less than 1, because easy queries are no reason to cut
// others. Any thread reads and updates it; an update lost in a race does no harm.
class WalkLength {
public:
  float typical() const { return typical_.load(std::memory_order_relaxed); }

  // Records the length of a walk relative to the calibrated median. The value moves one step up or
  // down, so that about as many walks are above as below.
  void learn(double length) {
    const float now = typical();
    typical_.store(std::clamp(length > now ? now * kStep : now / kStep, kLeast, kMost),
                   std::memory_order_relaxed);
  }

private:
  static constexpr float kStep = 1.01f;
  static constexpr float kLeast = 1;
  static constexpr float kMost = 32;
  std::atomic<float> typical_{1};
};

} // namespace vicinal
