// Finds the rows of one run that may be among the best, window by window.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/status.hpp"
#include "base/work_meter.hpp"
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
  // `lists` are those of the query's indices in the run. The meter outlives the walk, which ends
  // early once that has stopped.
  PostingWalk(const PostingRun& run, const PostingRun::List* lists, const SparseVector& query,
              WorkMeter& work);

  // Postings of the query's indices.
  uint64_t postings() const { return postings_; }
  // Those that were read.
  uint64_t visited() const { return visited_; }

  // Of the candidates of a window: the best first, where each one costs; as they come, where
  // nothing is done yet but that they are noted.
  enum class Order : uint8_t { Best, Rows };

  // Calls `candidate(PostingCandidate)` for every row below `end` whose product with the query may
  // be `bound()` or more, and some others; `bound()` is asked again as it rises.
  template <typename Bound, typename Candidate>
  Status run(uint32_t end, Order order, const Bound& bound, const Candidate& candidate) {
    uint32_t base = 0;
    while (work_.spend(terms_.size()) && nextRow(base, end)) {
      const float least = bound();
      // Until there are hits, everything is looked at; a few rows give some.
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
    return work_.status();
  }

private:
  static constexpr uint32_t kWindow = 8192;
  static constexpr uint32_t kFirstWindow = 1024;
  // Of as many as are looked at first, the best bound what is looked at later.
  static constexpr uint64_t kFirstPostings = 256;
  // To tell what a term can add in a window takes as long as reading so many postings.
  static constexpr uint64_t kReadPerBound = 128;

  struct Term {
    float weight = 0;
    PostingRun::List list;
    // The next posting, and the first one behind the window.
    uint32_t at = 0;
    uint32_t to = 0;
    // What the term can add to a row of the window at most.
    float bound = 0;
  };
  struct Summed {
    float sum;
    // In the window.
    uint32_t row;
    bool operator<(const Summed& other) const { return sum < other.sum; }
  };
  // One a thread. Sums of the rows of a window, all zero between windows. Which rows have one is
  // only kept where a row with a sum of zero or less may be among the best.
  struct Sums {
    alignas(64) float of[kWindow];
    uint64_t touched[kWindow / 64];
    // Rows of the window whose sum has come up to what is looked for.
    std::vector<uint32_t> reached;
    std::vector<Summed> best;
  };

  // Moves `base` to the next row that any term has.
  bool nextRow(uint32_t& base, uint32_t end) const;
  float boundWindow(uint32_t windowEnd);
  // Which terms are to be read, the last of `order_`; returns what the others can add at most.
  float split(float bound);
  // Fills `best` of the sums: rows of the window whose sum is at least `least`.
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
  // Of the terms in the window, by their bound, ascending; those from `firstRead_` on are read.
  std::vector<uint32_t> order_;
  size_t firstRead_ = 0;
  // Whether all terms that are in the window are read.
  bool isWhole_ = true;
  // Whether there are so few postings that all are read, whatever terms can add.
  bool isBrief_ = false;
  // Whether every posting adds something.
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
