#include "search/posting_walk.hpp"

#include <cfloat>
#include <cstring>

namespace vicinal {

namespace {

// Scoring a row from its own vector takes as long as reading so many postings: a list is left
// unread only where it is that much longer than those that are read, which lead to such rows.
constexpr uint64_t kReadPerScored = 32;
// Clearing one sum takes as long as so many that lie together.
constexpr uint32_t kRowsPerCleared = 16;

float mostOf(const PostingRun::List& list, uint32_t block, float weight) {
  return std::max(weight * list.greatest[block], weight * list.least[block]);
}

} // namespace

PostingWalk::PostingWalk(const PostingRun& run, const SparseVector& query) {
  double magnitude = 0;
  for (uint32_t at = 0; at < query.count; at++) {
    const PostingRun::List list = run.find(query.indices[at]);
    if (list.count == 0) continue;
    double most = 0;
    for (uint32_t block = 0; block < list.blocks; block++)
      most = std::max({most, std::fabs(double(query.values[at]) * list.greatest[block]),
                       std::fabs(double(query.values[at]) * list.least[block])});
    magnitude += most;
    postings_ += list.count;
    terms_.push_back({query.values[at], list});
  }
  // Each product and each addition, of sums and of bounds, is rounded by half a unit in the last
  // place of at most the magnitude, or of the least float there is.
  const double roundings = 2.0 * double(terms_.size()) + 4;
  slack_ = static_cast<float>(roundings * (magnitude * FLT_EPSILON + FLT_TRUE_MIN));
  // Sums on the way may lie beyond what a float holds though the whole does not: nothing is passed
  // over then.
  if (magnitude > FLT_MAX / 2) slack_ = INFINITY;
}

bool PostingWalk::nextRow(uint32_t& base, uint32_t end) const {
  uint32_t next = end;
  for (const Term& term : terms_)
    if (term.at < term.list.count) next = std::min(next, term.list.rows[term.at]);
  base = std::max(base, next);
  return base < end && next < end;
}

float PostingWalk::boundWindow(uint32_t windowEnd) {
  order_.clear();
  float total = 0;
  for (size_t i = 0; i < terms_.size(); i++) {
    Term& term = terms_[i];
    const PostingRun::List& list = term.list;
    term.to = term.at;
    if (term.at >= list.count || list.rows[term.at] >= windowEnd) continue;
    uint32_t block = term.at / kPostingBlock;
    term.bound = std::max(0.0f, mostOf(list, block, term.weight));
    while (block + 1 < list.blocks && list.lastRows[block] + 1 < windowEnd)
      term.bound = std::max(term.bound, mostOf(list, ++block, term.weight));
    const uint32_t* const from = list.rows + std::max(term.at, block * kPostingBlock);
    const uint32_t* const to = list.rows + std::min(list.count, (block + 1) * kPostingBlock);
    term.to = static_cast<uint32_t>(std::lower_bound(from, to, windowEnd) - list.rows);
    total += term.bound;
    order_.push_back(static_cast<uint32_t>(i));
  }
  return total;
}

float PostingWalk::split(float bound) {
  std::sort(order_.begin(), order_.end(),
            [&](uint32_t a, uint32_t b) { return terms_[a].bound < terms_[b].bound; });
  const auto lengthOf = [&](size_t at) {
    const Term& term = terms_[order_[at]];
    return uint64_t(term.to - term.at);
  };
  float unread = 0;
  firstRead_ = 0;
  while (firstRead_ < order_.size() && unread + terms_[order_[firstRead_]].bound + slack_ < bound)
    unread += terms_[order_[firstRead_++]].bound;
  uint64_t read = 0;
  for (size_t at = firstRead_; at < order_.size(); at++) read += lengthOf(at);
  while (firstRead_ > 0 && lengthOf(firstRead_ - 1) <= read * kReadPerScored)
    read += lengthOf(--firstRead_);
  isWhole_ = firstRead_ == 0;
  unread = 0;
  for (size_t at = 0; at < firstRead_; at++) unread += terms_[order_[at]].bound;
  return unread;
}

void PostingWalk::sum(uint32_t base, uint32_t windowEnd, float least) {
  const uint32_t rows = windowEnd - base;
  read_ = 0;
  // Whoever has no sum has none of the least, then.
  if (least > 0) {
    addUp<false>(base, rows, least);
    collectReached(base, rows, least);
  } else {
    addUp<true>(base, rows, least);
    collectTouched(least);
  }
  visited_ += read_;
}

template <bool isTracked> void PostingWalk::addUp(uint32_t base, uint32_t most, float least) {
  Sums& window = sums();
  for (size_t i = firstRead_; i < order_.size(); i++) {
    const Term& term = terms_[order_[i]];
    const uint32_t* const rows = term.list.rows;
    const float* const values = term.list.values;
    for (uint32_t at = term.at; at < term.to; at++) {
      const uint32_t row = rows[at] - base;
      // Rows that do not ascend are of a forged file.
      if (row >= most) break;
      const float before = window.of[row];
      const float sum = before + term.weight * values[at];
      window.of[row] = sum;
      if constexpr (isTracked)
        window.touched[row / 64] |= uint64_t(1) << (row % 64);
      else if (sum >= least && before < least)
        reached_.push_back(row);
    }
    read_ += term.to - term.at;
  }
}

// Rows whose sum was at least that much once: where a later one has made it less, or it is listed
// twice, it is passed over.
void PostingWalk::collectReached(uint32_t base, uint32_t rows, float least) {
  Sums& window = sums();
  for (const uint32_t row : reached_) {
    if (window.of[row] >= least) summed_.push_back({window.of[row], row});
    window.of[row] = 0;
  }
  reached_.clear();
  if (read_ > rows / kRowsPerCleared) {
    std::memset(window.of, 0, rows * sizeof(float));
    return;
  }
  for (size_t i = firstRead_; i < order_.size(); i++) {
    const Term& term = terms_[order_[i]];
    for (uint32_t at = term.at; at < term.to; at++)
      if (const uint32_t row = term.list.rows[at] - base; row < rows) window.of[row] = 0;
  }
}

void PostingWalk::collectTouched(float least) {
  Sums& window = sums();
  for (uint32_t word = 0; word < kWindow / 64; word++) {
    for (uint64_t bits = window.touched[word]; bits != 0; bits &= bits - 1) {
      const uint32_t row = word * 64 + static_cast<uint32_t>(__builtin_ctzll(bits));
      // What is no number, because bounds of the query are beyond a float, is looked at too.
      const float sum = window.of[row] == window.of[row] ? window.of[row] : INFINITY;
      window.of[row] = 0;
      if (!(sum < least)) summed_.push_back({sum, row});
    }
    window.touched[word] = 0;
  }
}

PostingWalk::Sums& PostingWalk::sums() {
  static thread_local Sums sums{};
  return sums;
}

} // namespace vicinal
