// How long a search will take, from how long those before it took: what decides whether it may run
// on the JavaScript thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace vicinal {

// Of one vector of a shard. Any thread reads and teaches; a lesson lost to a race is no loss.
class SearchPace {
public:
  // Until a search has been seen: a distance to a vector that has to come from memory.
  explicit SearchPace(uint32_t dim) : nsPerDistance_(15 + 0.75 * dim) {}

  double nanoseconds(double distances) const {
    return distances * nsPerDistance_.load(std::memory_order_relaxed);
  }

  // A search estimated at so many distances took so long.
  void learn(double distances, double tookNs) {
    if (distances < 1) return;
    const double before = nsPerDistance_.load(std::memory_order_relaxed);
    const double now = before + (tookNs / distances - before) * kWeightOfLast;
    nsPerDistance_.store(now, std::memory_order_relaxed);
  }

private:
  static constexpr double kWeightOfLast = 0.125;
  std::atomic<double> nsPerDistance_;
};

} // namespace vicinal
