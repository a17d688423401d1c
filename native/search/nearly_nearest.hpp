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
  // are all kept, since to tell them apart would take longer than to compare them.
  NearlyNearest(SpaceSearch& search, const LeadingReach& reach, size_t wanted, size_t offered,
                TopK& top)
      : search_(search), reach_(reach), wanted_(wanted), top_(top), kept_(ofThread()),
        room_(offered <= kFew ? kFew : 2 * wanted + 1) {
    kept_.clear();
  }

  // None beyond this one is among the nearest.
  float bound() const { return bound_; }

  void offer(Neighbor nearly) {
    kept_.push_back(nearly);
    if (kept_.size() < room_) return;
    dropBeyond();
    // Where hardly any can be told apart.
    if (kept_.size() >= kFew) settle();
    room_ = std::max(room_, 2 * kept_.size());
  }

  // Compares exactly what is kept.
  void settle() {
    dropBeyond();
    search_.complete(kept_);
    for (const Neighbor& exact : kept_)
      if (exact.distance <= top_.bound()) top_.offer(exact);
    kept_.clear();
  }

private:
  static constexpr size_t kFew = 1024;

  static std::vector<Neighbor>& ofThread() {
    thread_local std::vector<Neighbor> kept;
    return kept;
  }

  void dropBeyond() {
    if (kept_.size() <= wanted_) return;
    if (wanted_ == 0) return kept_.clear();
    const auto last = kept_.begin() + ptrdiff_t(wanted_ - 1);
    std::nth_element(kept_.begin(), last, kept_.end(), isNearer);
    bound_ = std::min(bound_, reach_.of(last->distance));
    const auto end = std::partition(
        last + 1, kept_.end(), [&](const Neighbor& nearly) { return nearly.distance <= bound_; });
    kept_.erase(end, kept_.end());
  }

  SpaceSearch& search_;
  const LeadingReach reach_;
  const size_t wanted_;
  TopK& top_;
  std::vector<Neighbor>& kept_;
  size_t room_;
  float bound_ = FLT_MAX;
};

} // namespace vicinal
