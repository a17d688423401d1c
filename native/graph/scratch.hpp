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

inline uint32_t loadId(const uint32_t& word) {
  return std::atomic_ref<uint32_t>(const_cast<uint32_t&>(word)).load(std::memory_order_acquire);
}
inline void storeId(uint32_t& word, uint32_t value) {
  std::atomic_ref<uint32_t>(word).store(value, std::memory_order_release);
}

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
  // Adds `count` vertices and leaves those that are new in `fresh`, which may be `ids` itself; how
  // many they are. Vertices laid out after this search began are left out. Free of branches, since
  // no processor guesses them.
  size_t addAll(const uint32_t* ids, size_t count, uint32_t* fresh) {
    uint8_t* const stamps = stamps_.data();
    const size_t covered = stamps_.size();
    const uint8_t current = current_;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
      const uint32_t id = loadId(ids[i]);
      if (id >= covered) continue;
      fresh[found] = id;
      found += stamps[id] != current ? 1 : 0;
      stamps[id] = current;
    }
    return found;
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
  }

  // A candidate at this distance or beyond is not kept.
  float bound() const { return bound_; }
  size_t size() const { return size_; }
  Neighbor at(size_t i) const { return {slots_[i].distance, slots_[i].vertex & ~expandedBit}; }

  // Keeps those of some candidates that are near enough. `next(vertex, isNew)` is told before which
  // one is then the next to expand, if any is, and whether it is one of them; unless the bound
  // falls below it meanwhile.
  template <typename Next>
  void keep(const float* distances, const uint32_t* vertices, size_t count, const Next& next) {
    const size_t near = gather(distances, vertices, count);
    const bool isNew =
        near > 0 && (next_ == size_ || gathered_[0].distance < slots_[next_].distance);
    if (isNew)
      next(gathered_[0].vertex, true);
    else if (hasNext())
      next(slots_[next_].vertex, false);
    if (near > 0) merge(near);
  }
  void keep(Neighbor candidate) {
    keep(&candidate.distance, &candidate.vertex, 1, [](uint32_t, bool) {});
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
  // Farther slots are moved at once.
  static constexpr size_t kMovedOneByOne = 64;

  // Those that are near enough, nearest first; how many. Most are not, and which ones no processor
  // guesses, so there is no branch.
  size_t gather(const float* distances, const uint32_t* vertices, size_t count) {
    if (gathered_.size() < count) gathered_.resize(count);
    Neighbor* const gathered = gathered_.data();
    size_t near = 0;
    for (size_t i = 0; i < count; i++) {
      gathered[near] = {distances[i], vertices[i]};
      near += distances[i] < bound_ ? 1 : 0;
    }
    for (size_t i = 1; i < near; i++) {
      const Neighbor moved = gathered[i];
      size_t to = i;
      for (; to > 0 && gathered[to - 1].distance > moved.distance; to--)
        gathered[to] = gathered[to - 1];
      gathered[to] = moved;
    }
    return near;
  }

  // Where a candidate at this distance belongs among the first slots: behind its equals. Halving
  // without branches.
  size_t firstBeyond(float distance, size_t among) const {
    size_t low = 0;
    for (size_t length = among; length > 0;) {
      const size_t half = (length + 1) / 2;
      low += slots_[low + half - 1].distance <= distance ? half : 0;
      length -= half;
    }
    return low;
  }

  // Each behind its equals. From the back, so that a slot moves once, however many come before it.
  void merge(size_t gathered) {
    if (slots_.size() < size_ + gathered) slots_.resize(width_ + gathered);
    Neighbor* const slots = slots_.data();
    size_t from = size_;
    size_t to = size_ + gathered;
    for (size_t at = gathered; at-- > 0;) {
      const Neighbor kept = gathered_[at];
      const size_t near = from - std::min(from, kMovedOneByOne);
      for (; from > near && slots[from - 1].distance > kept.distance; from--)
        slots[--to] = slots[from - 1];
      if (from == near && near > 0) {
        const size_t first = firstBeyond(kept.distance, from);
        to -= from - first;
        std::memmove(slots + to, slots + first, (from - first) * sizeof(Neighbor));
        from = first;
      }
      slots[--to] = kept;
    }
    size_ = std::min(size_ + gathered, width_);
    if (size_ == width_) bound_ = std::min(bound_, slots[size_ - 1].distance);
    if (to < stop_.wanted && size_ >= stop_.wanted)
      bound_ = std::min(bound_, stop_.boundAt(slots[stop_.wanted - 1].distance));
    next_ = std::min(next_, to);
  }

  // Beyond every distance, those that overflowed too.
  static constexpr float kUnbounded = std::numeric_limits<float>::infinity();
  std::vector<Neighbor> slots_;
  std::vector<Neighbor> gathered_; // nearest first
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

} // namespace vicinal
