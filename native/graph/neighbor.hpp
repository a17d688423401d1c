// A row with its distance, and a collector of the k nearest rows.
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

// Nearer first; at equal distances the lower vertex first, so that answers are repeatable. It is an
// object, because sorts and heaps would call a function through its address.
constexpr auto isNearer = [](const Neighbor& a, const Neighbor& b) {
  return a.distance < b.distance || (a.distance == b.distance && a.vertex < b.vertex);
};

// Keeps the k nearest of the offered candidates.
class TopK {
public:
  explicit TopK(size_t k) : k_(k) { heap_.reserve(std::min<size_t>(k, 1024)); }

  // Candidates beyond this distance cannot be kept any more.
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

  // `accept(vertex)` is called only for candidates that are near enough to be kept.
  template <typename VertexAt, typename Accept>
  void offerAll(const float* distances, size_t count, const VertexAt& vertexAt,
                const Accept& accept) {
    for (size_t at = 0; at < count; at++)
      if (distances[at] <= bound() && accept(vertexAt(at))) offer({distances[at], vertexAt(at)});
  }

  size_t size() const { return heap_.size(); }
  // Returns the candidates nearest first and empties the collector.
  std::vector<Neighbor> takeSorted() {
    std::sort_heap(heap_.begin(), heap_.end(), isNearer);
    return std::move(heap_);
  }

private:
  size_t k_;
  std::vector<Neighbor> heap_;
};

} // namespace vicinal
