// The best rows of a search by dot product.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "search/ranked_hit.hpp"

namespace vicinal {

inline bool isBetter(const RankedHit& a, const RankedHit& b) {
  return a.score > b.score || (a.score == b.score && a.id < b.id);
}

// Keeps the best `wanted` of the offered hits.
class SparseHits {
public:
  SparseHits(size_t wanted, float least) : wanted_(wanted), least_(least) {
    hits_.reserve(std::min(wanted, kUsuallyWanted));
  }

  size_t wanted() const { return wanted_; }
  // A lower score cannot be kept.
  float bound() const {
    return hits_.size() < wanted_ ? least_ : std::max(least_, hits_.front().score);
  }

  void offer(const RankedHit& hit) {
    if (wanted_ == 0 || hit.score < least_) return;
    if (hits_.size() == wanted_) {
      if (!isBetter(hit, hits_.front())) return;
      std::pop_heap(hits_.begin(), hits_.end(), isBetter);
      hits_.pop_back();
    }
    hits_.push_back(hit);
    std::push_heap(hits_.begin(), hits_.end(), isBetter);
  }

  // Best first.
  std::vector<RankedHit> take() {
    std::sort_heap(hits_.begin(), hits_.end(), isBetter);
    return std::move(hits_);
  }

private:
  static constexpr size_t kUsuallyWanted = 100;
  const size_t wanted_;
  const float least_;
  // A heap with the worst on top.
  std::vector<RankedHit> hits_;
};

} // namespace vicinal
