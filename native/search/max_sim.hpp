// Search in one segment for multivectors, by MaxSim (Khattab and Zaharia, "ColBERT", SIGIR 2020): a
// row's score is the sum, over the query's vectors, of the greatest similarity with any of the
// row's. A score of several multivectors is made of theirs.
//
// Rows are found by their vectors: each of the query's vectors is sought in the graph, and every
// row that one of the nearest belongs to is scored exactly (as PLAID does with its centroids).
// Where few rows match, or all are asked for, all that match are scored. So they are for scores
// that the nearest of no vector lead to: those of pairs, and those that are lower near some.
#pragma once

#include "graph/neighbor.hpp"
#include "search/search.hpp"
#include "search/segment_scope.hpp"
#include "search/space_search.hpp"

namespace vicinal {

class MaxSimSearch {
public:
  // The request's query is one or more vectors, end to end; each of its examples too.
  MaxSimSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
               SearchStats& stats);

  // The nearest visible rows that match: each neighbour's `vertex` is a row here, its distance the
  // sum of the least ones.
  Status run(std::vector<Neighbor>& nearest);
  SegmentReport report() const;

private:
  bool matches(uint32_t row) const {
    return scope_.view.isVisible(row) && (!plan_ || plan_->passes(scope_.rows, row));
  }
  // Of how many of the vectors compared, the foremost, the nearest lead to the best rows.
  size_t leading() const;
  const float* compared(size_t at) const;
  // Why no walk is made; empty where one is.
  const char* whyNoWalk();
  bool isScanCheaper();
  Status scanAll(TopK& top);
  // False where too few were found.
  Result<bool> scoreNearest(TopK& top);
  Status seek(const float* vector, RowBitmap& rows);
  Status scoreRow(uint32_t row, TopK& top);
  // The sum, over `count` of the vectors compared, of the least distance to one of the row's.
  Status sumLeast(size_t first, size_t count, const Space& row, uint32_t vectors, float& sum);
  // After so much work.
  Status checkCancelled(uint64_t components);
  // The row's vectors: where they lie, or read from their file.
  Result<const void*> vectorsOf(uint32_t first, uint32_t count) const;
  void note(const char* strategy, const char* whyNoWalk);

  const SegmentScope& scope_;
  const SearchRequest& request_;
  const VectorSpace& space_;
  // Vectors that each row's are compared with, of the query or of all examples.
  const size_t compared_;
  const size_t wanted_;
  // Of each of the query's vectors, so many of the nearest lead to rows.
  const size_t perVector_;
  SearchStats& stats_;
  const uint32_t linked_;
  std::optional<FilterPlan> plan_;
  const char* strategy_ = SegmentReport{}.strategy;
  const char* whyNoWalk_ = SegmentReport{}.whyNoWalk;
  double plannedDistances_ = 0;
  // That led to the nearest vectors.
  CodeKind codes_ = CodeKind::None;
  uint64_t sinceCheck_ = 0;
};

} // namespace vicinal
