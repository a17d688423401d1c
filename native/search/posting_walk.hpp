// Finds the rows of one run that may be among the best, window by window.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/status.hpp"
#include "base/work_meter.hpp"
#include "sparse/posting_run.hpp"

namespace vicinal {

// A row with bounds of its product with the query; the lower bound may be unknown.
struct PostingCandidate {
  uint32_t row = 0;
  float upper = 0;
  float lower = -INFINITY;
};

class PostingWalk {
public:
  // `lists` are the posting lists of the query's indices in the run. The meter must outlive the
  // walk, which ends early once the meter has stopped.
  PostingWalk(const PostingRun& run, const PostingRun::List* lists, const SparseVector& query,
              WorkMeter& work);

  // All postings of the query's indices.
  uint64_t postings() const { return postings_; }
  // The postings that were read.
  uint64_t visited() const { return visited_; }

  // The order of a window's candidates: best first if each candidate costs a scoring, in row order
  // if candidates are only noted.
  enum class Order : uint8_t { Best, Rows };

  // Calls `candidate(PostingCandidate)` for every row below `end` whose product with the query may
  // reach `bound()`, and for some others. `bound()` is asked again as it rises.
  template <typename Bound, typename Candidate>
  Status run(uint32_t end, Order order, const Bound& bound, const Candidate& candidate) {
    sums_.begin();
    uint32_t base = 0;
    while (work_.spend(terms_.size()) && nextRow(base, end)) {
      const float least = bound();
      // Until there are hits every row is a candidate, so the first window is small.
      const uint32_t rows = least > 0 ? kWindow : firstWindow_;
      const uint32_t windowEnd = std::min(end, base + rows);
      if (isBrief_ || !(boundWindow(windowEnd) + slack_ < least)) {
        const float unread = isBrief_ ? 0 : split(least);
        sum(base, windowEnd, least - unread - slack_);
        offer(base, unread, order, bound, candidate);
      }
      for (Term& term : terms_) term.at = term.to;
      base = windowEnd;
    }
    sums_.isLeft = false;
    return work_.status();
  }

private:
  static constexpr uint32_t kWindow = 8192;
  static constexpr uint32_t kFirstWindow = 1024;
  // The postings of the first window; its best rows give a bound for the later ones.
  static constexpr uint64_t kFirstPostings = 256;
  // Computing a term's bound for a window takes as long as reading this many postings.
  static constexpr uint64_t kReadPerBound = 128;

  struct Term {
    float weight = 0;
    PostingRun::List list;
    // The next posting, and the first one behind the window.
    uint32_t at = 0;
    uint32_t to = 0;
    // The most that the term can add to a row of the window.
    float bound = 0;
  };
  struct Summed {
    float sum;
    // Row within the window.
    uint32_t row;
    bool operator<(const Summed& other) const { return sum < other.sum; }
  };
  // One for each thread. Sums of the rows of a window, all zero between windows. Touched rows are
  // tracked only if a row with a sum of zero or less may be among the best.
  struct Sums {
    alignas(64) float of[kWindow];
    uint64_t touched[kWindow / 64];
    // Rows of the window whose sum has reached the bound.
    std::vector<uint32_t> reached;
    std::vector<Summed> best;
    // Set during a walk. A walk that was refused memory leaves it set, and its sums with it.
    bool isLeft = false;

    void begin();
  };

  // Moves `base` to the next row that any term has.
  bool nextRow(uint32_t& base, uint32_t end) const;
  float boundWindow(uint32_t windowEnd);
  // Decides which terms are read: the last ones of `order_`. Returns the most that the others can
  // add.
  float split(float bound);
  // Fills `best`: the rows of the window whose sum is at least `least`.
  void sum(uint32_t base, uint32_t windowEnd, float least);
  template <bool isTracked> void addUp(uint32_t base, uint32_t rows, float least);
  void collectTouched(float least);
  void collectReached(uint32_t base, uint32_t rows, float least);
  static Sums& sums();

  template <typename Bound, typename Candidate>
  void offer(uint32_t base, float unread, Order order, const Bound& bound,
             const Candidate& candidate) {
    std::vector<Summed>& summed = sums_.best;
    const auto tell = [&](const Summed& each, float upper) {
      candidate(PostingCandidate{base + each.row, upper, isWhole_ ? each.sum - slack_ : -INFINITY});
    };
    if (order == Order::Rows) {
      for (const Summed& each : summed)
        if (const float upper = each.sum + unread + slack_; !(upper < bound())) tell(each, upper);
      summed.clear();
      return;
    }
    std::make_heap(summed.begin(), summed.end());
    while (!summed.empty()) {
      const Summed best = summed.front();
      const float upper = best.sum + unread + slack_;
      if (upper < bound()) break;
      tell(best, upper);
      std::pop_heap(summed.begin(), summed.end());
      summed.pop_back();
    }
    summed.clear();
  }

  WorkMeter& work_;
  std::vector<Term> terms_;
  // The terms in the window, ascending by bound; those from `firstRead_` on are read.
  std::vector<uint32_t> order_;
  size_t firstRead_ = 0;
  // Whether all terms of the window are read.
  bool isWhole_ = true;
  // Whether there are so few postings that all are read without bounds.
  bool isBrief_ = false;
  // Whether every posting adds a positive amount.
  bool isPositive_ = true;
  uint32_t firstWindow_ = kFirstWindow;
  Sums& sums_ = sums();
  uint64_t read_ = 0;
  uint64_t postings_ = 0;
  uint64_t visited_ = 0;
  // More than all roundings of a sum can lose together.
  float slack_ = 0;
};

} // namespace vicinal
