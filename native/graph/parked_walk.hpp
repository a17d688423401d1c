// A walk that was interrupted and is to go on where it was, on whatever thread.
#pragma once

#include <memory>
#include <utility>

#include "graph/hnsw_graph.hpp"
#include "graph/scratch.hpp"
#include "graph/unmet.hpp"

namespace vicinal {

// Filled by a search that is given one and cancelled, taken up by the next that is given it.
// Whoever holds it keeps the graph.
class ParkedWalk {
public:
  // By way of all vertices, which are all kept; by way of all, where some are not; by way of
  // accepted ones alone. One cannot go on where another was.
  enum class Way : uint8_t { All, Filtered, Accepted };

  bool isOf(const HnswGraph& graph) const { return graph_ == &graph; }
  bool isOf(const HnswGraph& graph, Way way) const { return isOf(graph) && way_ == way; }
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

  void park(const HnswGraph& graph, Way way, Scratch& scratch, const SearchReport& report) {
    std::swap(scratch_, scratch);
    report_ = report;
    graph_ = &graph;
    way_ = way;
    parkings_++;
  }
  void park(const HnswGraph& graph, Scratch& scratch, const SearchReport& report, Unmet& unmet) {
    park(graph, Way::Accepted, scratch, report);
    std::swap(unmet_, unmet);
  }
  SearchReport take(Scratch& scratch) {
    std::swap(scratch_, scratch);
    graph_ = nullptr;
    return report_;
  }
  SearchReport take(Scratch& scratch, Unmet& unmet) {
    std::swap(unmet_, unmet);
    return take(scratch);
  }

private:
  const HnswGraph* graph_ = nullptr;
  std::shared_ptr<const void> leader_;
  Way way_ = Way::All;
  Scratch scratch_;
  // Of a walk among accepted vertices.
  Unmet unmet_;
  SearchReport report_;
  uint32_t parkings_ = 0;
};

} // namespace vicinal
