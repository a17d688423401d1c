#include "segment/id_order.hpp"

#include <algorithm>
#include <numeric>

namespace vicinal {

namespace {

// A scroll page may scan this many unsorted rows, plus this share of the sorted ones.
constexpr uint32_t kFewRows = 4096;
constexpr uint32_t kUnsortedShare = 16;

} // namespace

IdOrder::Rows IdOrder::of(const IdColumns& ids, uint32_t rows) {
  std::lock_guard lock(mutex_);
  const auto known = static_cast<uint32_t>(sorted_->size());
  // A snapshot that is older than the sorted rows does not use them.
  if (known > rows) return std::make_shared<std::vector<uint32_t>>();
  if (rows - known <= kFewRows + known / kUnsortedShare) return sorted_;
  auto grown = std::make_shared<std::vector<uint32_t>>(rows);
  std::copy(sorted_->begin(), sorted_->end(), grown->begin());
  const auto middle = grown->begin() + known;
  std::iota(middle, grown->end(), known);
  const auto isBefore = [&](uint32_t a, uint32_t b) { return ids.at(a) < ids.at(b); };
  // Rows that were added in id order, as in bulk loads, need no sorting.
  if (!std::is_sorted(middle, grown->end(), isBefore)) std::sort(middle, grown->end(), isBefore);
  std::inplace_merge(grown->begin(), middle, grown->end(), isBefore);
  sorted_ = std::move(grown);
  return sorted_;
}

uint64_t IdOrder::bytes() const {
  std::lock_guard lock(mutex_);
  return sorted_->capacity() * sizeof(uint32_t);
}

} // namespace vicinal
