// Predicts how long a search will take from the times of earlier ones. The prediction decides
// whether the search may run on the JavaScript thread.
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

// The pace of one vector of a shard. Any thread reads and updates it; an update lost in a race does
// no harm.
class SearchPace {
public:
  // The start value: a distance to a vector that is not in the cache.
  explicit SearchPace(uint32_t dim) : nsPerDistance_(15 + 0.75 * dim) {}

  double nanoseconds(double distances) const {
    return distances * nsPerDistance_.load(std::memory_order_relaxed);
  }

  // Records that a search of this many estimated distances took this long.
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

// Whether an interrupted search can be resumed later.
enum class Parks : uint8_t { No, Yes };

// The same for searches with a filter. Their cost is not known before planning, so the times of
// searches with exactly the same filter count.
class FilteredPace {
public:
  // Infinite if no recent search had this filter.
  double nanoseconds(const FilterBytes& filter) const {
    const uint64_t key = keyOf(filter);
    std::lock_guard lock(mutex_);
    const Slot& slot = slots_[key % kSlots];
    return slot.key == key ? slot.ns : INFINITY;
  }

  // Whether interrupted searches with this filter can be resumed, as far as known.
  bool parks(const FilterBytes& filter) const {
    const uint64_t key = keyOf(filter);
    std::lock_guard lock(mutex_);
    const Slot& slot = slots_[key % kSlots];
    return slot.key != key || slot.unparked == 0;
  }

  // Records that a search was interrupted and could not be resumed.
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
    // A slower search that cannot be parked counts at once and fully, because it blocks the
    // JavaScript thread.
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
    // Parking is tried again only after this many more searches.
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
