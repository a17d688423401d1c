// The nearest candidates that a search has seen: the way that is left to go, and the result.
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

// Candidates in order, each marked once expanded.
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

  // The nearest that is not expanded.
  bool hasNext() const { return next_ < size_; }
  const Neighbor& next() const { return slots_[next_]; }
  // Marks it expanded.
  uint32_t takeNext() {
    const uint32_t vertex = slots_[next_].vertex;
    slots_[next_].vertex |= kExpanded;
    skipExpanded();
    return vertex;
  }

  void truncate(size_t size) { size_ = std::min(size_, size); }

  // Takes in some more, nearest first, each behind its equals; where the first of them has come to
  // lie. From the back, so that a slot moves once, however many come before it.
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
  // Farther slots are moved at once.
  static constexpr size_t kMovedOneByOne = 64;

  void skipExpanded() {
    while (next_ < size_ && (slots_[next_].vertex & kExpanded) != 0) next_++;
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

  std::vector<Neighbor> slots_;
  size_t size_ = 0;
  size_t next_ = 0;
};

// So many of the nearest. Both the way and the result of a search in which every vertex is
// accepted: a sorted array beats two heaps at the widths that matter. Where it has become wide,
// what comes late is put in order apart, and taken in together with more: a hop moves a few slots
// instead of thousands, and everything stays as in one array.
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

  // Keeps those of some candidates that are near enough. `next(vertex, isNew)` is told before which
  // one is then the next to expand, if any is, and whether it is one of them; unless the bound
  // falls below it meanwhile.
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

  // Whether there is one to expand; what was kept before the bound fell is no more.
  bool hasNext() const {
    const SortedRun& run = runOfNext();
    return run.hasNext() && run.next().distance <= bound_;
  }
  // The nearest that is not expanded; marks it so.
  uint32_t takeNext() { return isNextLate() ? late_.takeNext() : settled_.takeNext(); }
  uint32_t peekNext() const { return runOfNext().next().vertex; }

  // All of them, nearest first.
  const SortedRun& inOrder() {
    if (late_.size() > 0) settle();
    return settled_;
  }

private:
  // From here on candidates that come late are kept apart, at most so many of them: fewer than what
  // is settled, so that something always is.
  static constexpr size_t kWide = 1024;
  static constexpr size_t kMostLate = 128;
  static_assert(kMostLate < kWide);

  // Where the nearest to expand is, if there is one.
  bool isNextLate() const {
    if (!late_.hasNext()) return false;
    return !settled_.hasNext() || late_.next().distance < settled_.next().distance;
  }
  const SortedRun& runOfNext() const { return isNextLate() ? late_ : settled_; }

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

  // Of equals the late one, which lies behind.
  void dropFarthest() {
    const bool isLate = late_.size() > 0 && late_.farthest() >= settled_.farthest();
    SortedRun& run = isLate ? late_ : settled_;
    run.truncate(run.size() - 1);
  }

  // Distance of the last one wanted: so many of the nearest are late, the others settled.
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

  // Beyond every distance, those that overflowed too.
  static constexpr float kUnbounded = std::numeric_limits<float>::infinity();
  SortedRun settled_;
  SortedRun late_;
  std::vector<Neighbor> gathered_; // nearest first
  Stop stop_;
  float bound_ = kUnbounded;
  size_t width_ = 0;
};

} // namespace vicinal
