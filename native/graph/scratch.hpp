// Working memory of one search, kept by each thread, so that a search allocates nothing once warm.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "graph/neighbor.hpp"
#include "graph/stop.hpp"

namespace vicinal {

// Which vertices a search has seen. A stamp of one byte says in which search; only every 255th
// clears.
class VisitedSet {
public:
  void start(size_t vertices) {
    if (stamps_.size() < vertices) stamps_.resize(vertices + vertices / 4, 0);
    if (++current_ == 0) {
      std::memset(stamps_.data(), 0, stamps_.size());
      current_ = 1;
    }
  }
  // Not of vertices laid out after this search began.
  bool covers(uint32_t vertex) const { return vertex < stamps_.size(); }
  // Adds a vertex; true the first time.
  bool add(uint32_t vertex) {
    const bool isNew = stamps_[vertex] != current_;
    stamps_[vertex] = current_;
    return isNew;
  }
  // Adds `count` vertices and moves those that are new to the front of `ids`; how many they are.
  // Vertices laid out after this search began are left out. Free of branches, since no processor
  // guesses them.
  size_t addAll(uint32_t* ids, size_t count) {
    uint8_t* const stamps = stamps_.data();
    const size_t covered = stamps_.size();
    const uint8_t current = current_;
    for (size_t i = 0; i < count; i++) __builtin_prefetch(stamps + ids[i]);
    size_t fresh = 0;
    for (size_t i = 0; i < count; i++) {
      const uint32_t id = ids[i];
      if (id >= covered) continue;
      ids[fresh] = id;
      fresh += stamps[id] != current ? 1 : 0;
      stamps[id] = current;
    }
    return fresh;
  }

private:
  std::vector<uint8_t> stamps_;
  uint8_t current_ = 0;
};

// The nearest candidates seen, sorted, each marked once expanded. Both the way and the result of a
// search in which every vertex is accepted: an array beats two heaps at the widths that matter.
class Beam {
public:
  void start(size_t width, const Stop& stop = {}) {
    width_ = width;
    stop_ = stop;
    size_ = 0;
    next_ = 0;
    bound_ = kUnbounded;
    if (slots_.size() < width + 1) slots_.resize(width + 1);
  }

  // A candidate at this distance or beyond is not kept.
  float bound() const { return bound_; }
  size_t size() const { return size_; }
  Neighbor at(size_t i) const { return {slots_[i].distance, slots_[i].vertex & ~expandedBit}; }

  // Keeps a candidate where it is near enough; true when it is the next to expand.
  bool insert(float distance, uint32_t vertex) {
    if (!(distance < bound_)) return false;
    const size_t low = firstBeyond(distance);
    if (size_ < width_) size_++;
    std::memmove(&slots_[low + 1], &slots_[low], (size_ - 1 - low) * sizeof(Neighbor));
    slots_[low] = {distance, vertex};
    if (size_ == width_) bound_ = std::min(bound_, slots_[size_ - 1].distance);
    if (low < stop_.wanted && size_ >= stop_.wanted)
      bound_ = std::min(bound_, stop_.boundAt(slots_[stop_.wanted - 1].distance));
    const bool isNext = low <= next_;
    if (low < next_) next_ = low;
    return isNext;
  }

  // Where a candidate at this distance belongs: behind its equals. Halving without branches.
  size_t firstBeyond(float distance) const {
    const Neighbor* const slots = slots_.data();
    size_t low = 0;
    for (size_t length = size_; length > 0;) {
      const size_t half = (length + 1) / 2;
      low += slots[low + half - 1].distance <= distance ? half : 0;
      length -= half;
    }
    return low;
  }

  // Whether there is one to expand; what was kept before the bound fell is no more.
  bool hasNext() const { return next_ < size_ && slots_[next_].distance <= bound_; }
  // The nearest that is not expanded; marks it so.
  uint32_t takeNext() {
    const uint32_t vertex = slots_[next_].vertex;
    slots_[next_].vertex |= expandedBit;
    while (next_ < size_ && (slots_[next_].vertex & expandedBit) != 0) next_++;
    return vertex;
  }
  uint32_t peekNext() const { return slots_[next_].vertex; }

private:
  static constexpr uint32_t expandedBit = 1u << 31;
  // Beyond every distance, those that overflowed too.
  static constexpr float kUnbounded = std::numeric_limits<float>::infinity();
  std::vector<Neighbor> slots_;
  Stop stop_;
  float bound_ = kUnbounded;
  size_t width_ = 0;
  size_t size_ = 0;
  size_t next_ = 0;
};

struct Scratch {
  VisitedSet visited;
  Beam beam;
  std::vector<Neighbor> frontier; // a heap, nearest on top; only where vertices are refused
  std::vector<uint32_t> ids;
  std::vector<uint32_t> refused;
  std::vector<float> distances;

  static Scratch& ofThread() {
    thread_local Scratch scratch;
    return scratch;
  }
};

inline uint32_t loadId(const uint32_t& word) {
  return std::atomic_ref<uint32_t>(const_cast<uint32_t&>(word)).load(std::memory_order_acquire);
}
inline void storeId(uint32_t& word, uint32_t value) {
  std::atomic_ref<uint32_t>(word).store(value, std::memory_order_release);
}

} // namespace vicinal
