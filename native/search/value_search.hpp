// Search within one segment for a filter that requires a keyword, possibly among other conditions.
// If the keyword's rows have a value graph, it is used. Otherwise the search runs as usual, and the
// cost that a graph would have spared is noted (segment/value_spaces.hpp).
//
// A value graph misses rows whose payload was changed to its value, and still has rows changed to
// other values. So while there are changed payloads, its results are checked with the whole filter,
// and changed rows are searched separately.
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
  // Call after `run`.
  SegmentReport report() const { return search_->report(); }

private:
  // A keyword that the filter requires, and how many rows had it when they were appended.
  struct Asked {
    ValueKey key;
    uint32_t rows = 0;
    // Whether the keyword is the whole filter.
    bool isAlone = false;
  };

  // Keywords that may have a graph, the one with the fewest rows first.
  std::vector<Asked> valuesAsked() const;
  bool mayHaveGraphs() const;
  // Chooses the smallest value graph.
  void choose(const std::vector<Asked>& values);
  Status runAmong(std::vector<Neighbor>& nearest);
  Status addOverlaid(const RowBitmap& overlaid, std::vector<Neighbor>& nearest);
  // Notes the spared cost for the first value, unless its graph was searched.
  void noteSpared(const std::vector<Asked>& values);

  const SegmentScope& scope_;
  const SearchRequest& request_;
  const VectorSpace& space_;
  const size_t wanted_;
  SearchStats& stats_;
  // The space of the chosen value.
  std::shared_ptr<const VectorSpace> among_;
  ValueKey key_;
  bool isAlone_ = false;
  std::optional<SegmentScope> unfiltered_;
  std::optional<SegmentSearch> search_;
};

} // namespace vicinal
