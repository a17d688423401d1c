// The k nearest of many candidates that are offered in blocks.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "graph/neighbor.hpp"
#include "graph/select_nearest.hpp"

namespace vicinal {

// Candidates are kept in no order and thinned out when they become too many. That costs less than
// keeping hundreds in order, at the price of a bound that lags behind. No step depends on branches
// that the processor cannot predict (see select_nearest.hpp).
class Shortlist {
public:
  // `offered` is the expected number of candidates: a few are all kept, and for many the bound soon
  // becomes tight. Memory is reserved for twice k, so k should not exceed the number of candidates.
  explicit Shortlist(size_t k, size_t offered = SIZE_MAX);

  // Keeps the candidates that are near enough and that `accept(vertex)` accepts; it is called only
  // for near ones.
  template <typename VertexAt, typename Accept>
  void offerAll(const float* distances, size_t count, const VertexAt& vertexAt,
                const Accept& accept) {
    if (k_ == 0) return;
    for (size_t from = 0; from < count; from += kBlock) {
      const size_t to = from + std::min(kBlock, count - from);
      if (countWithin(bound_, distances + from, to - from) == 0) continue;
      size_t near = size_;
      for (size_t at = from; at < to; at++) {
        distances_[near] = distances[at];
        vertices_[near] = vertexAt(at);
        near += distances[at] <= bound_ ? 1 : 0;
      }
      for (size_t at = size_; at < near; at++) {
        distances_[size_] = distances_[at];
        vertices_[size_] = vertices_[at];
        size_ += accept(vertices_[at]) ? 1 : 0;
      }
      if (size_ >= room_) thin();
    }
  }

  // Moves at least `count` of the nearest remaining candidates (or all) to the end of `ordered`,
  // nearest first. The list contains the k nearest of all offered.
  void moveNearest(size_t count, std::vector<Neighbor>& ordered);
  // Returns the k nearest, nearest first, and empties the list.
  std::vector<Neighbor> takeSorted();

private:
  static constexpr size_t kTimes = 2;
  // Candidates up to this number stay in the first-level cache.
  static constexpr size_t kFew = 1024;
  static constexpr size_t kBlock = 256;

  void thin();
  void cut();

  size_t k_;
  size_t room_;
  // Candidates beyond this distance cannot be kept any more.
  float bound_ = FLT_MAX;
  // Each has room for one block beyond the size at which the list is thinned.
  std::unique_ptr<float[]> distances_;
  std::unique_ptr<uint32_t[]> vertices_;
  size_t size_ = 0;
};

} // namespace vicinal
