// The nearest of many that are offered many at a time.
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

// In no order: they are thinned out whenever they have become too many, which costs less than to
// keep hundreds in order, for a bound that lags behind. Nothing is done that a processor would have
// to guess (see select_nearest.hpp).
class Shortlist {
public:
  // Of about so many: a few are all kept, and of many the bound is soon near. Takes memory for
  // twice k, so k is to be no more than may be offered.
  explicit Shortlist(size_t k, size_t offered = SIZE_MAX);

  // Keeps those that are near enough and that `accept(vertex)` accepts, which is asked of no
  // others.
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

  // Moves the nearest that are left to the end of `ordered`, nearest first: at least so many, where
  // there are. The k nearest of all are among what the list has.
  void moveNearest(size_t count, std::vector<Neighbor>& ordered);
  // The k nearest, nearest first; empties the list.
  std::vector<Neighbor> takeSorted();

private:
  static constexpr size_t kTimes = 2;
  // These stay in the nearest cache.
  static constexpr size_t kFew = 1024;
  static constexpr size_t kBlock = 256;

  void thin();
  void cut();

  size_t k_;
  size_t room_;
  // No distance beyond this one can be kept any more.
  float bound_ = FLT_MAX;
  // With room for a block behind those that make them be thinned out.
  std::unique_ptr<float[]> distances_;
  std::unique_ptr<uint32_t[]> vertices_;
  size_t size_ = 0;
};

} // namespace vicinal
