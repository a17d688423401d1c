// A row and how far it is, and the k nearest of a stream of them.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vicinal {

struct Neighbor {
  float distance;
  uint32_t vertex;
};

// Nearer first; equal distances in the order of vertices, so that answers are repeatable. An
// object, since heaps and sorts call a function through its address.
constexpr auto isNearer = [](const Neighbor& a, const Neighbor& b) {
  return a.distance < b.distance || (a.distance == b.distance && a.vertex < b.vertex);
};

// Keeps the k nearest of what is offered.
class TopK {
public:
  explicit TopK(size_t k) : k_(k) { heap_.reserve(std::min<size_t>(k, 1024)); }

  // No distance beyond this one can be kept any more.
  float bound() const {
    if (k_ == 0) return -FLT_MAX;
    return heap_.size() < k_ ? FLT_MAX : heap_.front().distance;
  }

  void offer(Neighbor candidate) {
    if (heap_.size() < k_) {
      heap_.push_back(candidate);
      std::push_heap(heap_.begin(), heap_.end(), isNearer);
    } else if (k_ > 0 && isNearer(candidate, heap_.front())) {
      std::pop_heap(heap_.begin(), heap_.end(), isNearer);
      heap_.back() = candidate;
      std::push_heap(heap_.begin(), heap_.end(), isNearer);
    }
  }

  size_t size() const { return heap_.size(); }
  // Nearest first; empties the collector.
  std::vector<Neighbor> takeSorted() {
    std::sort_heap(heap_.begin(), heap_.end(), isNearer);
    return std::move(heap_);
  }

private:
  size_t k_;
  std::vector<Neighbor> heap_;
};

// The same for many, in no order: they are thinned out whenever they have become too many, which
// costs less than to keep hundreds in order, for a bound that lags behind.
class Shortlist {
public:
  // Of about so many: a few are all kept, and of many the bound is soon near.
  explicit Shortlist(size_t k, size_t offered = SIZE_MAX)
      : k_(k), room_(std::max(kTimes * k, offered <= kFew ? kFew : 1)) {
    kept_.reserve(std::min(room_, kFew));
  }

  // No distance beyond this one can be kept any more.
  float bound() const { return k_ == 0 ? -FLT_MAX : bound_; }

  void offer(Neighbor candidate) {
    if (candidate.distance > bound()) return;
    kept_.push_back(candidate);
    if (kept_.size() >= room_) thin();
  }

  // Those among which the k nearest are; empties the list.
  std::vector<Neighbor> take() { return std::move(kept_); }
  // The k nearest, nearest first; empties the list.
  std::vector<Neighbor> takeSorted() {
    thin();
    std::sort(kept_.begin(), kept_.end(), isNearer);
    return std::move(kept_);
  }

private:
  static constexpr size_t kTimes = 2;
  // These stay in the nearest cache.
  static constexpr size_t kFew = 1024;

  void thin() {
    if (kept_.size() <= k_) return;
    if (k_ == 0) return kept_.clear();
    const auto last = kept_.begin() + ptrdiff_t(k_ - 1);
    std::nth_element(kept_.begin(), last, kept_.end(), isNearer);
    bound_ = last->distance;
    kept_.resize(k_);
  }

  size_t k_;
  size_t room_;
  float bound_ = FLT_MAX;
  std::vector<Neighbor> kept_;
};

// Puts some of many in order, nearest first, as they are asked for.
class GradualOrder {
public:
  explicit GradualOrder(std::vector<Neighbor>& all) : all_(all) {}

  // At least the first `count` are in their places, if there are so many; how many are.
  size_t upTo(size_t count) {
    if (count <= ordered_ || ordered_ == all_.size()) return ordered_;
    const size_t next = std::min(all_.size(), std::max(count, ordered_ + kAtOnce));
    const auto from = all_.begin() + ptrdiff_t(ordered_);
    const auto to = all_.begin() + ptrdiff_t(next);
    if (to != all_.end()) std::nth_element(from, to, all_.end(), isNearer);
    std::sort(from, to, isNearer);
    return ordered_ = next;
  }

private:
  static constexpr size_t kAtOnce = 32;
  std::vector<Neighbor>& all_;
  size_t ordered_ = 0;
};

} // namespace vicinal
