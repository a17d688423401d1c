// Finds the rows of one run that may be among the best, window by window.
#pragma once

#include <algorithm>
#include <vector>

#include "base/cancel.hpp"
#include "base/status.hpp"
#include "sparse/posting_run.hpp"

namespace vicinal {

class PostingWalk {
public:
  PostingWalk(const PostingRun& run, const SparseVector& query);

  // Postings of the query's indices.
  uint64_t postings() const { return postings_; }
  // Those that were read.
  uint64_t visited() const { return visited_; }

  // Calls `candidate(row)` for every row below `end` whose product with the query may be
  // `bound()` or more, and some others; `bound()` is asked again as it rises.
  template <typename Bound, typename Candidate>
  Status run(uint32_t end, const CancelFlag* cancel, const Bound& bound,
             const Candidate& candidate) {
    uint32_t base = 0;
    while (nextRow(base, end)) {
      if (cancel != nullptr && cancel->isCancelled())
        return Status(Code::Cancelled, "the search was cancelled");
      const uint32_t windowEnd = std::min(end, base + kWindow);
      const float total = boundWindow(windowEnd);
      if (!(total + slack_ < bound())) {
        const float unread = sum(base, windowEnd, bound());
        collect(base, [&](uint32_t row, float sum) {
          if (!(sum + unread + slack_ < bound())) candidate(row);
        });
      }
      skipTo(windowEnd);
      base = windowEnd;
    }
    return Status::ok();
  }

private:
  static constexpr uint32_t kWindow = 4096;

  struct Term {
    float weight = 0;
    PostingRun::List list;
    // The next posting, and the block it is in.
    uint32_t at = 0;
    uint32_t block = 0;
    // What the term can add to a row of the window at most.
    float bound = 0;
  };
  // Sums of the rows of a window, and which rows have one. All zero between windows.
  struct Sums {
    float of[kWindow];
    uint64_t touched[kWindow / 64];
  };

  // Moves `base` to the next row that any term has.
  bool nextRow(uint32_t& base, uint32_t end) const;
  float boundWindow(uint32_t windowEnd);
  // Reads the terms that can matter; returns what the others can add at most.
  float sum(uint32_t base, uint32_t windowEnd, float bound);
  void skipTo(uint32_t row);
  static Sums& sums();

  template <typename Visit> void collect(uint32_t base, const Visit& visit) {
    Sums& window = sums();
    for (uint32_t word = 0; word < kWindow / 64; word++) {
      for (uint64_t bits = window.touched[word]; bits != 0; bits &= bits - 1) {
        const uint32_t at = word * 64 + static_cast<uint32_t>(__builtin_ctzll(bits));
        const float sum = window.of[at];
        window.of[at] = 0;
        visit(base + at, sum);
      }
      window.touched[word] = 0;
    }
  }

  // By the bound in the window, ascending.
  std::vector<Term> terms_;
  uint64_t postings_ = 0;
  uint64_t visited_ = 0;
  // More than all roundings of a sum can lose together.
  float slack_ = 0;
};

} // namespace vicinal
