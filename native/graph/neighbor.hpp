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

// The same for many: they are thinned out whenever there are twice as many, which costs less than
// to keep hundreds in order, for a bound that lags behind.
class Shortlist {
public:
  explicit Shortlist(size_t k) : k_(k) { kept_.reserve(std::min<size_t>(kTimes * k, 1024)); }

  // No distance beyond this one can be kept any more.
  float bound() const { return k_ == 0 ? -FLT_MAX : bound_; }

  void offer(Neighbor candidate) {
    if (candidate.distance > bound()) return;
    kept_.push_back(candidate);
    if (kept_.size() >= kTimes * k_) thin();
  }

  // Nearest first; empties the list.
  std::vector<Neighbor> takeSorted() {
    thin();
    std::sort(kept_.begin(), kept_.end(), isNearer);
    return std::move(kept_);
  }

private:
  static constexpr size_t kTimes = 2;

  void thin() {
    if (kept_.size() <= k_) return;
    std::nth_element(kept_.begin(), kept_.begin() + ptrdiff_t(k_), kept_.end(), isNearer);
    kept_.resize(k_);
    bound_ = std::max_element(kept_.begin(), kept_.end(), isNearer)->distance;
  }

  size_t k_;
  float bound_ = FLT_MAX;
  std::vector<Neighbor> kept_;
};

} // namespace vicinal
