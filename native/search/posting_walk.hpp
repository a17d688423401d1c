// Finds the rows of one run that may be among the best, window by window.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/cancel.hpp"
#include "base/status.hpp"
#include "sparse/posting_run.hpp"

namespace vicinal {

// A row, and what its product with the query is at most; and at least, where that is known.
struct PostingCandidate {
  uint32_t row = 0;
  float upper = 0;
  float lower = -INFINITY;
};

class PostingWalk {
public:
  PostingWalk(const PostingRun& run, const SparseVector& query);

  // Postings of the query's indices.
  uint64_t postings() const { return postings_; }
  // Those that were read.
  uint64_t visited() const { return visited_; }

  // Calls `candidate(PostingCandidate)` for every row below `end` whose product with the query may
  // be `bound()` or more, and some others, the best of each window first; `bound()` is asked again
  // as it rises.
  template <typename Bound, typename Candidate>
  Status run(uint32_t end, const CancelFlag* cancel, const Bound& bound,
             const Candidate& candidate) {
    uint32_t base = 0;
    while (nextRow(base, end)) {
      if (cancel != nullptr && cancel->isCancelled())
        return Status(Code::Cancelled, "the search was cancelled");
      const float least = bound();
      // Until there are hits, everything is looked at; a few rows give some.
      const uint32_t rows = least > 0 ? kWindow : kFirstWindow;
      const uint32_t windowEnd = std::min(end, base + rows);
      const float total = boundWindow(windowEnd);
      if (!(total + slack_ < least)) {
        const float unread = split(least);
        sum(base, windowEnd, least - unread - slack_);
        offer(base, unread, bound, candidate);
      }
      for (Term& term : terms_) term.at = term.to;
      base = windowEnd;
    }
    return Status::ok();
  }

private:
  static constexpr uint32_t kWindow = 8192;
  static constexpr uint32_t kFirstWindow = 1024;

  struct Term {
    float weight = 0;
    PostingRun::List list;
    // The next posting, and the first one behind the window.
    uint32_t at = 0;
    uint32_t to = 0;
    // What the term can add to a row of the window at most.
    float bound = 0;
  };
  // Sums of the rows of a window, all zero between windows. Which rows have one is only kept where
  // a row with a sum of zero or less may be among the best.
  struct Sums {
    alignas(64) float of[kWindow];
    uint64_t touched[kWindow / 64];
  };
  struct Summed {
    float sum;
    // In the window.
    uint32_t row;
    bool operator<(const Summed& other) const { return sum < other.sum; }
  };

  // Moves `base` to the next row that any term has.
  bool nextRow(uint32_t& base, uint32_t end) const;
  float boundWindow(uint32_t windowEnd);
  // Which terms are to be read, the last of `order_`; returns what the others can add at most.
  float split(float bound);
  // Fills `summed_`: rows of the window whose sum is at least `least`.
  void sum(uint32_t base, uint32_t windowEnd, float least);
  template <bool isTracked> void addUp(uint32_t base, uint32_t rows, float least);
  void collectTouched(float least);
  void collectReached(uint32_t base, uint32_t rows, float least);
  static Sums& sums();

  template <typename Bound, typename Candidate>
  void offer(uint32_t base, float unread, const Bound& bound, const Candidate& candidate) {
    std::make_heap(summed_.begin(), summed_.end());
    while (!summed_.empty()) {
      const Summed best = summed_.front();
      const float upper = best.sum + unread + slack_;
      if (upper < bound()) break;
      candidate(PostingCandidate{base + best.row, upper, isWhole_ ? best.sum - slack_ : -INFINITY});
      std::pop_heap(summed_.begin(), summed_.end());
      summed_.pop_back();
    }
    summed_.clear();
  }

  std::vector<Term> terms_;
  // Of the terms in the window, by their bound, ascending; those from `firstRead_` on are read.
  std::vector<uint32_t> order_;
  size_t firstRead_ = 0;
  // Whether all terms that are in the window are read.
  bool isWhole_ = false;
  // Rows of the window whose sum has come up to what is looked for.
  std::vector<uint32_t> reached_;
  std::vector<Summed> summed_;
  uint64_t read_ = 0;
  uint64_t postings_ = 0;
  uint64_t visited_ = 0;
  // More than all roundings of a sum can lose together.
  float slack_ = 0;
};

} // namespace vicinal
