// Search within one segment: its graph up to the linked vertices, an exact scan of the tail behind them, or an exact
// scan of all.
#pragma once

#include "graph/neighbor.hpp"
#include "search/search.hpp"

namespace vicinal {

// One segment as a snapshot sees it.
struct SegmentView {
  const Segment* segment = nullptr;
  uint32_t rows = 0;
  uint64_t tick = 0;

  bool isVisible(uint32_t row) const { return row < rows && segment->isVisible(row, tick); }
};

class SegmentSearch {
public:
  // `wanted` nearest vertices are collected.
  SegmentSearch(const SegmentView& view, const SearchRequest& request, size_t wanted, const CancelFlag* cancel,
                SearchStats& stats);

  // The nearest visible vertices, nearest first.
  Status run(std::vector<Neighbor>& nearest);

private:
  Status scanRange(uint32_t from, uint32_t to, TopK& top);
  template <typename Accept> Status searchGraph(const Accept& accept, std::vector<Neighbor>& found);
  Status searchLinked(std::vector<Neighbor>& found);
  bool isCancelled() const { return cancel_ != nullptr && cancel_->isCancelled(); }

  const SegmentView view_;
  const SearchRequest& request_;
  const VectorSpace& space_;
  const size_t wanted_;
  const CancelFlag* cancel_;
  SearchStats& stats_;
  // Read once: what is linked later is found by the scan of the tail.
  const uint32_t linked_;
  const uint32_t vertices_;
};

} // namespace vicinal
