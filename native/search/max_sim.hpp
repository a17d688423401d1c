// Search in one segment for multivectors, by MaxSim (Khattab and Zaharia, "ColBERT", SIGIR 2020): a
// row's score is the sum, over the query's vectors, of the greatest similarity with any of the
// row's.
//
// Rows are found by their vectors: each of the query's vectors is sought in the graph, and every
// row that one of the nearest belongs to is scored exactly (as PLAID does with its centroids).
// Where few rows match, or all are asked for, all that match are scored.
#pragma once

#include "filter/plan.hpp"
#include "graph/neighbor.hpp"
#include "search/search.hpp"
#include "search/segment_rows.hpp"
#include "search/space_search.hpp"

namespace vicinal {

class MaxSimSearch {
public:
  // The request's query is one or more vectors, end to end.
  MaxSimSearch(const SegmentView& view, const Snapshot& snapshot, const SearchRequest& request,
               const FilterNode* filter, size_t wanted, const CancelFlag* cancel, Waiting waiting,
               SearchStats& stats);

  // The nearest visible rows that match: each neighbour's `vertex` is a row here, its distance the
  // sum of the least ones.
  Status run(std::vector<Neighbor>& nearest);
  SegmentReport report() const;

private:
  bool matches(uint32_t row) const {
    return view_.isVisible(row) && (!plan_ || plan_->passes(rows_, row));
  }
  bool isScanCheaper() const;
  Status scanAll(TopK& top);
  // False where too few were found.
  Result<bool> scoreNearest(TopK& top);
  Status seek(const float* vector, RowBitmap& rows);
  Status scoreRow(uint32_t row, TopK& top);
  // After so much work.
  Status checkCancelled(uint64_t components);
  // The row's vectors: where they lie, or read from their file.
  Result<const float*> vectorsOf(uint32_t first, uint32_t count) const;
  void note(const char* strategy);

  const SegmentView view_;
  const SegmentRows rows_;
  const SearchRequest& request_;
  const VectorSpace& space_;
  const size_t queryVectors_;
  const size_t wanted_;
  // Of each of the query's vectors, so many of the nearest lead to rows.
  const size_t perVector_;
  const CancelFlag* const cancel_;
  const Waiting waiting_;
  SearchStats& stats_;
  const uint32_t linked_;
  std::optional<FilterPlan> plan_;
  const char* strategy_ = SegmentReport{}.strategy;
  uint64_t sinceCheck_ = 0;
};

} // namespace vicinal
