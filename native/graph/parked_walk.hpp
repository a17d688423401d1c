// A walk that was interrupted and is to go on where it was, on whatever thread.
#pragma once

#include <memory>
#include <utility>

#include "graph/hnsw_graph.hpp"
#include "graph/scratch.hpp"

namespace vicinal {

// Filled by a search that is given one and cancelled, taken up by the next that is given it.
// Whoever holds it keeps the graph.
class ParkedWalk {
public:
  bool isOf(const HnswGraph& graph) const { return graph_ == &graph; }
  bool isParked() const { return graph_ != nullptr; }

  // Of a walk led by other codes, distances cannot be compared.
  void dropUnlessLedBy(const std::shared_ptr<const void>& leader) {
    if (leader_ != leader) drop();
    leader_ = leader;
  }

  // How often it was parked.
  uint32_t parkings() const { return parkings_; }
  void drop() {
    graph_ = nullptr;
    leader_.reset();
  }
  // How many vertices were in the graph when the walk began: others were not met on its way, though
  // they may be in the graph by the time it goes on. Set by who begins one.
  uint32_t linked = 0;

  void park(const HnswGraph& graph, Scratch& scratch, const SearchReport& report) {
    std::swap(scratch_, scratch);
    report_ = report;
    graph_ = &graph;
    parkings_++;
  }
  SearchReport take(Scratch& scratch) {
    std::swap(scratch_, scratch);
    graph_ = nullptr;
    return report_;
  }

private:
  const HnswGraph* graph_ = nullptr;
  std::shared_ptr<const void> leader_;
  Scratch scratch_;
  SearchReport report_;
  uint32_t parkings_ = 0;
};

} // namespace vicinal
