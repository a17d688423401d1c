// How long a search will take, from how long those before it took: what decides whether it may run
// on the JavaScript thread.
#pragma once

#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>

#include "search/filter_bytes.hpp"

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

// Whether a search that is interrupted can go on later.
enum class Parks : uint8_t { No, Yes };

// The same of searches with a filter: what one costs is not known before it is planned, so what
// counts is how long those with the very same filter took.
class FilteredPace {
public:
  // Infinite where no search with that filter was seen lately.
  double nanoseconds(const FilterBytes& filter) const {
    const uint64_t key = keyOf(filter);
    std::lock_guard lock(mutex_);
    const Slot& slot = slots_[key % kSlots];
    return slot.key == key ? slot.ns : INFINITY;
  }

  // Whether those that are interrupted can go on later, as far as is known.
  bool parks(const FilterBytes& filter) const {
    const uint64_t key = keyOf(filter);
    std::lock_guard lock(mutex_);
    const Slot& slot = slots_[key % kSlots];
    return slot.key != key || slot.unparked == 0;
  }

  // One was given up.
  void couldNotPark(const FilterBytes& filter) {
    const uint64_t key = keyOf(filter);
    std::lock_guard lock(mutex_);
    Slot& slot = slots_[key % kSlots];
    if (slot.key == key) slot.unparked = kUnparked;
  }

  void learn(const FilterBytes& filter, double tookNs, Parks parks) {
    const uint64_t key = keyOf(filter);
    std::lock_guard lock(mutex_);
    Slot& slot = slots_[key % kSlots];
    if (slot.key != key) {
      slot = {key, tookNs, 0};
      return;
    }
    // At once where it was slower and would be given up: the thread that waits is the one that runs
    // JavaScript.
    const bool isAtOnce = parks == Parks::No && tookNs > slot.ns;
    slot.ns = isAtOnce ? tookNs : slot.ns + (tookNs - slot.ns) * kWeightOfLast;
    if (slot.unparked > 0) slot.unparked--;
  }

private:
  static constexpr size_t kSlots = 64;
  static constexpr double kWeightOfLast = 0.125;
  static constexpr uint32_t kUnparked = 64;
  struct Slot {
    uint64_t key = 0;
    double ns = INFINITY;
    // Whether it can be parked is not tried before so many more have ended.
    uint32_t unparked = 0;
  };

  static uint64_t keyOf(const FilterBytes& filter) {
    const std::string_view bytes(reinterpret_cast<const char*>(filter->data()), filter->size());
    return std::hash<std::string_view>{}(bytes);
  }

  mutable std::mutex mutex_;
  std::array<Slot, kSlots> slots_;
};

} // namespace vicinal
