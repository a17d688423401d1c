// Search within one segment for a filter that asks, among other things perhaps, for one keyword: by
// the graph that the keyword's rows have of their own, where they have one. Otherwise as ever, and
// what such a graph would have spared is noted (segment/value_spaces.hpp).
//
// Payloads that were changed in place are not in such a graph, or should not be. While there are
// any, all of the filter is asked of what its search finds, and of them besides.
#pragma once

#include <optional>

#include "search/segment_search.hpp"

namespace vicinal {

class ValueSearch {
public:
  ValueSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
              SearchStats& stats);

  // The nearest visible vertices of the segment's own space that match, nearest first.
  Status run(std::vector<Neighbor>& nearest);
  // After the run.
  SegmentReport report() const { return search_->report(); }

private:
  // A keyword that the filter asks for, and how many rows had it when they were appended.
  struct Asked {
    ValueKey key;
    uint32_t rows = 0;
    // Whether it is all that the filter asks for.
    bool isAlone = false;
  };

  // Those that may have a graph, the one that the fewest rows have first.
  std::vector<Asked> valuesAsked() const;
  bool mayHaveGraphs() const;
  // The smallest there is.
  void choose(const std::vector<Asked>& values);
  Status runAmong(std::vector<Neighbor>& nearest);
  Status addOverlaid(const RowBitmap& overlaid, std::vector<Neighbor>& nearest);
  // Of the first value, where its graph is not the one that was searched.
  void noteSpared(const std::vector<Asked>& values);

  const SegmentScope& scope_;
  const SearchRequest& request_;
  const VectorSpace& space_;
  const size_t wanted_;
  SearchStats& stats_;
  // Of the value that was chosen.
  std::shared_ptr<const VectorSpace> among_;
  ValueKey key_;
  bool isAlone_ = false;
  std::optional<SegmentScope> unfiltered_;
  std::optional<SegmentSearch> search_;
};

} // namespace vicinal
