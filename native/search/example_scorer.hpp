// The distances of a graph walk whose score combines several distances.
#pragma once

#include <algorithm>
#include <vector>

#include "search/examples.hpp"

namespace vicinal {

template <typename Scorer> class ExampleScorer {
public:
  // Each vertex is read several times in a row, so many distances share one wait for memory.
  static constexpr bool hasPrefetch = false;

  ExampleScorer(const Combination& examples, const std::vector<Scorer>& scorers)
      : examples_(examples), scorers_(scorers) {}

  float distance(uint32_t vertex) const {
    float distance;
    distances(&vertex, 1, &distance);
    return distance;
  }
  void distances(const uint32_t* vertices, size_t count, float* out) const {
    each_.resize(std::max<size_t>(1, scorers_.size()) * count);
    for (size_t at = 0; at < scorers_.size(); at++)
      scorers_[at].distances(vertices, count, each_.data() + at * count);
    for (size_t at = 0; at < count; at++) out[at] = examples_.distanceOf(each_.data() + at, count);
  }

private:
  const Combination& examples_;
  const std::vector<Scorer>& scorers_;
  // By example, then by vertex.
  mutable std::vector<float> each_;
};

} // namespace vicinal
