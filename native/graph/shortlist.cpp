#include "graph/shortlist.hpp"

#include <algorithm>

namespace vicinal {

Shortlist::Shortlist(size_t k, size_t offered)
    : k_(k), room_(std::max(kTimes * k, offered <= kFew ? kFew : 1)),
      distances_(std::make_unique_for_overwrite<float[]>(room_ + kBlock)),
      vertices_(std::make_unique_for_overwrite<uint32_t[]>(room_ + kBlock)) {}

void Shortlist::thin() {
  bound_ = boundWithin(distances_.get(), size_, k_);
  size_t kept = 0;
  for (size_t at = 0; at < size_; at++) {
    distances_[kept] = distances_[at];
    vertices_[kept] = vertices_[at];
    kept += distances_[at] <= bound_ ? 1 : 0;
  }
  size_ = kept;
  // Needed if most distances are equal or some are extremely large.
  if (size_ > k_ + k_ / 2) cut();
}

// Cuts to exactly k; its cost does not depend on how the distances are spread.
void Shortlist::cut() {
  std::vector<Neighbor> kept(size_);
  for (size_t at = 0; at < size_; at++) kept[at] = {distances_[at], vertices_[at]};
  const auto last = kept.begin() + ptrdiff_t(k_ - 1);
  std::nth_element(kept.begin(), last, kept.end(), isNearer);
  bound_ = last->distance;
  for (size_ = 0; size_ < k_; size_++) {
    distances_[size_] = kept[size_].distance;
    vertices_[size_] = kept[size_].vertex;
  }
}

void Shortlist::moveNearest(size_t count, std::vector<Neighbor>& ordered) {
  // Finding fewer takes just as long.
  constexpr size_t kLeast = 32;
  const size_t least = std::max(count, kLeast);
  const float bound = size_ <= least ? FLT_MAX : boundWithin(distances_.get(), size_, least);
  const size_t before = ordered.size();
  size_t moved = before;
  size_t left = 0;
  ordered.resize(before + countWithin(bound, distances_.get(), size_) + 1);
  for (size_t at = 0; at < size_; at++) {
    const Neighbor each{distances_[at], vertices_[at]};
    const bool isNear = each.distance <= bound;
    ordered[moved] = each;
    distances_[left] = each.distance;
    vertices_[left] = each.vertex;
    moved += isNear ? 1 : 0;
    left += isNear ? 0 : 1;
  }
  size_ = left;
  ordered.resize(moved);
  sortNearest(ordered.data() + before, moved - before);
}

std::vector<Neighbor> Shortlist::takeSorted() {
  std::vector<Neighbor> kept;
  if (k_ > 0) moveNearest(k_, kept);
  kept.resize(std::min(kept.size(), k_));
  size_ = 0;
  return kept;
}

} // namespace vicinal
