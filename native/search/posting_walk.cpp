#include "search/posting_walk.hpp"

#include <cfloat>
#include <cmath>

namespace vicinal {

namespace {

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
  float total = 0;
  for (Term& term : terms_) {
    term.bound = 0;
    const PostingRun::List& list = term.list;
    if (term.at >= list.count || list.rows[term.at] >= windowEnd) continue;
    for (uint32_t block = term.block; block < list.blocks; block++) {
      if (block > term.block && list.lastRows[block - 1] + 1 >= windowEnd) break;
      term.bound = std::max(term.bound, mostOf(list, block, term.weight));
    }
    total += term.bound;
  }
  return total;
}

float PostingWalk::sum(uint32_t base, uint32_t windowEnd, float bound) {
  std::sort(terms_.begin(), terms_.end(),
            [](const Term& a, const Term& b) { return a.bound < b.bound; });
  float unread = 0;
  auto term = terms_.begin();
  while (term != terms_.end() && unread + term->bound + slack_ < bound) unread += (term++)->bound;
  Sums& window = sums();
  for (; term != terms_.end(); ++term) {
    const uint32_t from = term->at;
    const uint32_t* const rows = term->list.rows;
    const float* const values = term->list.values;
    const float weight = term->weight;
    uint32_t at = from;
    for (; at < term->list.count && rows[at] < windowEnd; at++) {
      const uint32_t row = rows[at] - base;
      // Rows that do not ascend are of a forged file.
      if (row >= kWindow) break;
      window.of[row] += weight * values[at];
      window.touched[row / 64] |= uint64_t(1) << (row % 64);
    }
    term->at = at;
    visited_ += at - from;
  }
  return unread;
}

void PostingWalk::skipTo(uint32_t row) {
  for (Term& term : terms_) {
    const PostingRun::List& list = term.list;
    while (term.block < list.blocks && list.lastRows[term.block] < row) term.block++;
    const uint32_t from = std::max(term.at, term.block * kPostingBlock);
    const uint32_t to = std::min(list.count, (term.block + 1) * kPostingBlock);
    term.at =
        from >= list.count
            ? list.count
            : uint32_t(std::lower_bound(list.rows + from, list.rows + std::max(from, to), row) -
                       list.rows);
  }
}

PostingWalk::Sums& PostingWalk::sums() {
  static thread_local Sums sums{};
  return sums;
}

} // namespace vicinal
