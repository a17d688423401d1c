// The k nearest of rows that are offered by their leading halves: those that may be among them are
// kept, and compared exactly at the end, so what comes of it is what comes of exact distances.
#pragma once

#include <algorithm>
#include <vector>

#include "distance/leading_reach.hpp"
#include "graph/neighbor.hpp"
#include "search/space_search.hpp"

namespace vicinal {

// One at a time on a thread.
class NearlyNearest {
public:
  // `top` takes the nearest, of which it keeps at most `wanted`. About so many are `offered`: few
  // are all kept until they are compared, which costs less than to tell them apart again and again.
  NearlyNearest(SpaceSearch& search, const LeadingReach& reach, size_t wanted, size_t offered,
                TopK& top)
      : search_(search), reach_(reach), wanted_(wanted), top_(top), kept_(ofThread()),
        most_(std::max(kMostKept, 4 * wanted)), room_(offered <= kFew ? kFew : 2 * wanted + 1),
        bound_(reach.of(top.bound())) {
    kept_.clear();
  }

  // None beyond this one is among the nearest.
  float bound() const { return bound_; }
  // How many were compared exactly.
  size_t compared() const { return compared_; }

  void offer(Neighbor nearly) {
    kept_.push_back(nearly);
    if (kept_.size() < room_) return;
    dropBeyond();
    // Where hardly any can be told apart.
    if (kept_.size() >= most_) settle();
    room_ = std::max(room_, 2 * kept_.size());
  }

  // Compares exactly what is kept.
  void settle() {
    dropBeyond();
    search_.scoreExactly(kept_);
    for (const Neighbor& exact : kept_)
      if (exact.distance <= top_.bound()) top_.offer(exact);
    bound_ = std::min(bound_, reach_.of(top_.bound()));
    compared_ += kept_.size();
    kept_.clear();
  }

private:
  static constexpr size_t kFew = 1024;
  static constexpr size_t kMostKept = 1024;

  static std::vector<Neighbor>& ofThread() {
    thread_local std::vector<Neighbor> kept;
    return kept;
  }

  void dropBeyond() {
    if (kept_.size() <= wanted_) return;
    bound_ = std::min(bound_, reach_.of(distanceWithin(kept_, wanted_)));
    const auto end = std::partition(kept_.begin(), kept_.end(), [&](const Neighbor& nearly) {
      return nearly.distance <= bound_;
    });
    kept_.erase(end, kept_.end());
  }

  SpaceSearch& search_;
  const LeadingReach reach_;
  const size_t wanted_;
  TopK& top_;
  std::vector<Neighbor>& kept_;
  const size_t most_;
  size_t room_;
  float bound_;
  size_t compared_ = 0;
};

} // namespace vicinal
