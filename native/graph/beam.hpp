// The beam: the nearest candidates that a search has seen. It holds both the candidates to expand
// and the result.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "graph/neighbor.hpp"
#include "graph/stop.hpp"

namespace vicinal {

// Candidates in order of distance; expanded ones are marked.
class SortedRun {
public:
  void clear() { size_ = next_ = 0; }
  size_t size() const { return size_; }
  Neighbor at(size_t i) const { return {slots_[i].distance, slots_[i].vertex & ~kExpanded}; }
  void appendTo(std::vector<Neighbor>& found) const {
    found.reserve(found.size() + size_);
    for (size_t i = 0; i < size_; i++) found.push_back(at(i));
  }
  float distanceAt(size_t i) const { return slots_[i].distance; }
  float farthest() const { return slots_[size_ - 1].distance; }

  // The nearest candidate that is not expanded yet.
  bool hasNext() const { return next_ < size_; }
  const Neighbor& next() const { return slots_[next_]; }
  // Takes the next candidate and marks it as expanded.
  uint32_t takeNext() {
    const uint32_t vertex = slots_[next_].vertex;
    slots_[next_].vertex |= kExpanded;
    skipExpanded();
    return vertex;
  }

  void truncate(size_t size) { size_ = std::min(size_, size); }

  // Merges sorted candidates, each behind its equals. Returns the position of the first of them.
  // Works from the back, so that each slot moves only once.
  size_t merge(const Neighbor* sorted, size_t count) {
    if (slots_.size() < size_ + count) slots_.resize(2 * size_ + count);
    Neighbor* const slots = slots_.data();
    size_t from = size_;
    size_t to = size_ + count;
    for (size_t at = count; at-- > 0;) {
      const Neighbor kept = sorted[at];
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
    size_ += count;
    next_ = std::min(next_, to);
    return to;
  }
  void merge(const SortedRun& other) {
    merge(other.slots_.data(), other.size_);
    skipExpanded();
  }

private:
  static constexpr uint32_t kExpanded = 1u << 31;
  // Slots beyond this number are moved with one call.
  static constexpr size_t kMovedOneByOne = 64;

  void skipExpanded() {
    while (next_ < size_ && (slots_[next_].vertex & kExpanded) != 0) next_++;
  }

  // The position of a candidate at this distance among the first slots, behind its equals. A binary
  // search without branches.
  size_t firstBeyond(float distance, size_t among) const {
    size_t low = 0;
    for (size_t length = among; length > 0;) {
      const size_t half = (length + 1) / 2;
      low += slots_[low + half - 1].distance <= distance ? half : 0;
      length -= half;
    }
    return low;
  }

  std::vector<Neighbor> slots_;
  size_t size_ = 0;
  size_t next_ = 0;
};

// The `width` nearest candidates. In a search that accepts every vertex, the beam is both the queue
// and the result. At the usual widths one sorted array beats two heaps. A wide beam keeps late
// candidates in a short run of its own and merges them many at a time. A hop then moves a few slots
// instead of thousands, and the order stays that of one array.
class Beam {
public:
  void start(size_t width, const Stop& stop = {}) {
    width_ = width;
    stop_ = stop;
    settled_.clear();
    late_.clear();
    bound_ = kUnbounded;
  }

  // A candidate at this distance or beyond is not kept.
  float bound() const { return bound_; }
  size_t size() const { return settled_.size() + late_.size(); }

  // Keeps the candidates that are near enough. Before the merge it calls `next(vertex, isNew)` with
  // the candidate that will be expanded next, if there is one. `isNew` tells whether that candidate
  // is one of the given ones. A bound that falls in the merge may still drop it.
  template <typename Next>
  void keep(const float* distances, const uint32_t* vertices, size_t count, const Next& next) {
    const size_t near = gather(distances, vertices, count);
    const bool isLeft = settled_.hasNext() || late_.hasNext();
    const bool isNew = near > 0 && (!isLeft || gathered_[0].distance < runOfNext().next().distance);
    if (isNew)
      next(gathered_[0].vertex, true);
    else if (hasNext())
      next(peekNext(), false);
    if (near > 0) merge(near);
  }
  void keep(Neighbor candidate) {
    keep(&candidate.distance, &candidate.vertex, 1, [](uint32_t, bool) {});
  }

  // Whether there is a candidate to expand. Candidates beyond the bound no longer count.
  bool hasNext() const {
    const SortedRun& run = runOfNext();
    return run.hasNext() && run.next().distance <= bound_;
  }
  // Takes the nearest candidate that is not expanded and marks it.
  uint32_t takeNext() { return isNextLate() ? late_.takeNext() : settled_.takeNext(); }
  uint32_t peekNext() const { return runOfNext().next().vertex; }

  // All candidates, nearest first.
  const SortedRun& inOrder() {
    if (late_.size() > 0) settle();
    return settled_;
  }

private:
  // From this width on, up to kMostLate late candidates are kept in a run of their own. They are
  // fewer than the settled ones, so the settled run never becomes empty.
  static constexpr size_t kWide = 1024;
  static constexpr size_t kMostLate = 128;
  static_assert(kMostLate < kWide);

  // Whether the next candidate to expand is in the late run.
  bool isNextLate() const {
    if (!late_.hasNext()) return false;
    return !settled_.hasNext() || late_.next().distance < settled_.next().distance;
  }
  const SortedRun& runOfNext() const { return isNextLate() ? late_ : settled_; }

  // Collects the candidates that are near enough, nearest first, and returns their number. Most are
  // not near enough, and the processor could not predict which, so the loop has no branch.
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

  void merge(size_t gathered) {
    if (settled_.size() >= kWide && late_.size() + gathered <= kMostLate)
      return mergeLate(gathered);
    if (late_.size() > 0) settle();
    const size_t to = settled_.merge(gathered_.data(), gathered);
    settled_.truncate(width_);
    const size_t size = settled_.size();
    if (size == width_) bound_ = std::min(bound_, settled_.farthest());
    if (to < stop_.wanted && size >= stop_.wanted)
      bound_ = std::min(bound_, stop_.boundAt(settled_.distanceAt(stop_.wanted - 1)));
  }

  void mergeLate(size_t gathered) {
    late_.merge(gathered_.data(), gathered);
    while (size() > width_) dropFarthest();
    if (size() == width_) {
      const bool isLate = late_.size() > 0 && late_.farthest() > settled_.farthest();
      bound_ = std::min(bound_, (isLate ? late_ : settled_).farthest());
    }
    if (stop_.wanted > 0 && size() >= stop_.wanted)
      bound_ = std::min(bound_, stop_.boundAt(lastWanted()));
  }

  // Of two equally far candidates the late one is dropped, since it ranks behind.
  void dropFarthest() {
    const bool isLate = late_.size() > 0 && late_.farthest() >= settled_.farthest();
    SortedRun& run = isLate ? late_ : settled_;
    run.truncate(run.size() - 1);
  }

  // Distance of the last wanted neighbour, counted over both runs.
  float lastWanted() const {
    const size_t wanted = stop_.wanted;
    const auto isAmongThem = [&](size_t late) {
      const size_t settled = wanted - 1 - late;
      return settled >= settled_.size() || late_.distanceAt(late) < settled_.distanceAt(settled);
    };
    size_t late = 0;
    while (late < std::min(late_.size(), wanted) && isAmongThem(late)) late++;
    const float ofLate = late > 0 ? late_.distanceAt(late - 1) : -kUnbounded;
    return late < wanted ? std::max(ofLate, settled_.distanceAt(wanted - late - 1)) : ofLate;
  }

  void settle() {
    settled_.merge(late_);
    late_.clear();
  }

  // Greater than every distance, including those that overflowed.
  static constexpr float kUnbounded = std::numeric_limits<float>::infinity();
  SortedRun settled_;
  SortedRun late_;
  std::vector<Neighbor> gathered_; // nearest first
  Stop stop_;
  float bound_ = kUnbounded;
  size_t width_ = 0;
};

} // namespace vicinal
