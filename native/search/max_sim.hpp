// Search in one segment of multivectors by MaxSim (Khattab and Zaharia, "ColBERT", SIGIR 2020). For
// each vector of the query MaxSim takes the greatest similarity to any vector of the row; their sum
// is the row's score. Scores of several examples combine the scores of each.
//
// Each vector of the query is searched for in the graph. Every row with one of the nearest vectors
// is scored exactly (as PLAID does with its centroids). If few rows match, or all are wanted, every
// matching row is scored. The same holds for scores whose best rows are not near any single vector:
// those by pairs, and those that negatives lower.
#pragma once

#include "graph/neighbor.hpp"
#include "search/search.hpp"
#include "search/segment_scope.hpp"
#include "search/space_search.hpp"

namespace vicinal {

class MaxSimSearch {
public:
  // The query, and each example, is one or more vectors, one after the other.
  MaxSimSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
               SearchStats& stats);

  // The nearest visible rows that match. `vertex` of a neighbour is a row here; its distance is the
  // sum of least distances.
  Status run(std::vector<Neighbor>& nearest);
  SegmentReport report() const;

private:
  bool matches(uint32_t row) const {
    return scope_.view.isVisible(row) && (!plan_ || plan_->passes(scope_.rows, row));
  }
  // How many of the compared vectors, the first ones, lead to the best rows.
  size_t leading() const;
  const float* compared(size_t at) const;
  // The reason for making no walk; empty if one is made.
  const char* whyNoWalk();
  bool isScanCheaper();
  Status scanAll(TopK& top);
  // False if too few rows were found.
  Result<bool> scoreNearest(TopK& top);
  Status seek(const float* vector, RowBitmap& rows);
  Status scoreRow(uint32_t row, TopK& top);
  // Adds up, for `count` of the compared vectors, the least distance to a vector of the row.
  Status sumLeast(size_t first, size_t count, const Space& row, uint32_t vectors, float& sum);
  // Checks the cancel flag once enough components were compared.
  Status checkCancelled(uint64_t components);
  // The row's vectors: in memory, or read from their file.
  Result<const void*> vectorsOf(uint32_t first, uint32_t count) const;
  void note(const char* strategy, const char* whyNoWalk);

  const SegmentScope& scope_;
  const SearchRequest& request_;
  const VectorSpace& space_;
  // The number of vectors compared with each row: those of the query or of all examples.
  const size_t compared_;
  const size_t wanted_;
  // The number of nearest vectors that lead to rows, for each vector of the query.
  const size_t perVector_;
  SearchStats& stats_;
  const uint32_t linked_;
  std::optional<FilterPlan> plan_;
  const char* strategy_ = SegmentReport{}.strategy;
  const char* whyNoWalk_ = SegmentReport{}.whyNoWalk;
  double plannedDistances_ = 0;
  // The codes that led to the nearest vectors.
  CodeKind codes_ = CodeKind::None;
  uint64_t sinceCheck_ = 0;
};

} // namespace vicinal
