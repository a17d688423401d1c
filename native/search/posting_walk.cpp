#include "search/posting_walk.hpp"

#include <cfloat>
#include <cstring>

namespace vicinal {

namespace {

// Scoring a row from its own vector takes as long as reading this many postings. A list stays
// unread only if it is this many times longer than the lists that are read, since they lead to rows
// to score.
constexpr uint64_t kReadPerScored = 32;
// Clearing one sum takes as long as clearing this many adjacent ones.
constexpr uint32_t kRowsPerCleared = 16;
constexpr uint32_t kPostingsOfLine = 16;
constexpr uint32_t kPostingsAhead = 48;

float mostOf(const PostingRun::List& list, uint32_t block, float weight) {
  return std::max(weight * list.greatest[block], weight * list.least[block]);
}

} // namespace

PostingWalk::PostingWalk(const PostingRun& run, const PostingRun::List* lists,
                         const SparseVector& query, WorkMeter& work)
    : work_(work) {
  double magnitude = 0;
  terms_.reserve(query.count);
  order_.reserve(query.count);
  for (uint32_t at = 0; at < query.count; at++) {
    const PostingRun::List& list = lists[at];
    if (list.count == 0) continue;
    double most = 0;
    for (uint32_t block = 0; block < list.blocks; block++) {
      most = std::max({most, std::fabs(double(query.values[at]) * list.greatest[block]),
                       std::fabs(double(query.values[at]) * list.least[block])});
      isPositive_ = isPositive_ && query.values[at] * list.greatest[block] > 0 &&
                    query.values[at] * list.least[block] > 0;
    }
    magnitude += most;
    postings_ += list.count;
    order_.push_back(static_cast<uint32_t>(terms_.size()));
    terms_.push_back({query.values[at], list});
  }
  const uint64_t rows = run.to() - run.from();
  const uint64_t windows = rows / kWindow + 1;
  firstWindow_ = static_cast<uint32_t>(std::clamp<uint64_t>(
      kFirstPostings * rows / std::max<uint64_t>(1, postings_), kFirstWindow, kWindow));
  isBrief_ = postings_ <= kReadPerBound * terms_.size() * windows;
  // Each product and each addition, of sums and of bounds, is rounded. The error is at most half a
  // unit in the last place of the magnitude, or of the least float.
  const double roundings = 2.0 * double(terms_.size()) + 4;
  slack_ = static_cast<float>(roundings * (magnitude * FLT_EPSILON + FLT_TRUE_MIN));
  // A partial sum may overflow a float although the whole sum does not. Then no row is skipped.
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
  // If all values and weights are positive, the rows with a posting are those with a sum above 0.
  if (isPositive_ && !(least > 0)) least = FLT_TRUE_MIN;
  // Rows without a sum cannot reach a positive bound, so touched rows need not be tracked.
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
  float* const sums = sums_.of;
  for (size_t i = firstRead_; i < order_.size(); i++) {
    Term& term = terms_[order_[i]];
    const uint32_t* const rows = term.list.rows;
    const float* const values = term.list.values;
    const uint32_t to = isBrief_ ? term.list.count : term.to;
    const float weight = term.weight;
    uint32_t at = term.at;
    for (; at < to; at++) {
      const uint32_t row = rows[at] - base;
      // The row is behind the window, or rows do not ascend because the file is forged.
      if (row >= most) break;
      const float before = sums[row];
      const float sum = before + weight * values[at];
      sums[row] = sum;
      if constexpr (isTracked)
        sums_.touched[row / 64] |= uint64_t(1) << (row % 64);
      else if (sum >= least && before < least)
        sums_.reached.push_back(row);
    }
    // Prefetches for the next window, which comes soon.
    for (uint32_t ahead = 0; isBrief_ && ahead < kPostingsAhead; ahead += kPostingsOfLine) {
      __builtin_prefetch(rows + at + ahead);
      __builtin_prefetch(values + at + ahead);
    }
    read_ += at - term.at;
    term.to = at;
    // The sums added so far are cleared as usual.
    if (!work_.spend(at - term.at)) break;
  }
}

// Visits rows whose sum has reached the bound. A row is skipped if a later posting lowered its sum,
// or if it is listed twice.
void PostingWalk::collectReached(uint32_t base, uint32_t rows, float least) {
  for (const uint32_t row : sums_.reached) {
    if (sums_.of[row] >= least) sums_.best.push_back({sums_.of[row], row});
    sums_.of[row] = 0;
  }
  sums_.reached.clear();
  if (read_ > rows / kRowsPerCleared) {
    std::memset(sums_.of, 0, rows * sizeof(float));
    return;
  }
  for (size_t i = firstRead_; i < order_.size(); i++) {
    const Term& term = terms_[order_[i]];
    for (uint32_t at = term.at; at < term.to; at++)
      if (const uint32_t row = term.list.rows[at] - base; row < rows) sums_.of[row] = 0;
  }
}

void PostingWalk::collectTouched(float least) {
  for (uint32_t word = 0; word < kWindow / 64; word++) {
    for (uint64_t bits = sums_.touched[word]; bits != 0; bits &= bits - 1) {
      const uint32_t row = word * 64 + static_cast<uint32_t>(__builtin_ctzll(bits));
      // A NaN sum, which comes from query bounds beyond a float, is kept as a candidate.
      const float sum = sums_.of[row] == sums_.of[row] ? sums_.of[row] : INFINITY;
      sums_.of[row] = 0;
      if (!(sum < least)) sums_.best.push_back({sum, row});
    }
    sums_.touched[word] = 0;
  }
}

void PostingWalk::Sums::begin() {
  if (isLeft) {
    std::fill(std::begin(of), std::end(of), 0.0f);
    std::fill(std::begin(touched), std::end(touched), 0);
    reached.clear();
    best.clear();
  }
  isLeft = true;
}

PostingWalk::Sums& PostingWalk::sums() {
  static thread_local Sums sums{};
  return sums;
}

} // namespace vicinal
