// Finds the rows of one run that share an index with any of several sparse vectors, and their dot
// products with all of them.
//
// It works window by window. Products are added up in an array, those of a row side by side, in
// index order and in double precision. So they have the same bits as those of `dotSparse`.
#pragma once

#include <algorithm>
#include <cfloat>
#include <vector>

#include "base/status.hpp"
#include "base/work_meter.hpp"
#include "search/examples.hpp"
#include "sparse/posting_run.hpp"

namespace vicinal {

class ExampleWalk {
public:
  // The meter must outlive the walk, which ends early once the meter has stopped.
  ExampleWalk(const PostingRun& run, const SparseExamples& examples, WorkMeter& work);

  uint64_t postings() const { return postings_; }

  // Calls `visit(row, distances)` for the rows below `end`, ascending. Distances are the negative
  // products.
  template <typename Visit> Status run(uint32_t end, const Visit& visit) {
    uint32_t base = 0;
    while (work_.spend(terms_.size()) && nextRow(base, end)) {
      const uint32_t windowEnd = std::min(end, base + window_);
      sum(base, windowEnd);
      if (!work_.spend(uint64_t(windowEnd - base) * count_)) break;
      for (uint32_t row = base; row < windowEnd; row++) {
        if (!touched_[row - base]) continue;
        touched_[row - base] = false;
        double* const sums = &sums_[size_t(row - base) * count_];
        for (uint32_t at = 0; at < count_; at++) {
          distances_[at] =
              -static_cast<float>(std::clamp(sums[at], double(-FLT_MAX), double(FLT_MAX)));
          sums[at] = 0;
        }
        visit(row, distances_.data());
      }
      base = windowEnd;
    }
    return work_.status();
  }

private:
  struct Term {
    uint32_t example = 0;
    float weight = 0;
    PostingRun::List list;
    uint32_t at = 0;
  };

  bool nextRow(uint32_t& base, uint32_t end) const;
  void sum(uint32_t base, uint32_t windowEnd);

  WorkMeter& work_;
  const uint32_t count_;
  // Rows of one window.
  const uint32_t window_;
  // Ordered by example, then ascending by index.
  std::vector<Term> terms_;
  uint64_t postings_ = 0;
  // All zero between windows.
  std::vector<double> sums_;
  std::vector<bool> touched_;
  std::vector<float> distances_;
};

} // namespace vicinal
