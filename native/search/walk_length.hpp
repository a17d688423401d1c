// How long walks are that callers' queries take: queries of another kind than the data's take
// longer ones, and the bound on a walk's length is to follow.
#pragma once

#include <algorithm>
#include <atomic>

namespace vicinal {

// The median, over the median of the walks that were measured (Calibration). That walks end at a
// bound beyond it does not change it. Never less than one, since easy queries among them are no
// reason to cut the others. Any thread reads and teaches; a lesson lost to a race is no
// loss.
class WalkLength {
public:
  float typical() const { return typical_.load(std::memory_order_relaxed); }

  // A walk was so long, over the measured median: a step up or down, so that about as many end up
  // above as below.
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
