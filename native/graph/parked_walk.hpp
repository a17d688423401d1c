// An interrupted walk that a later search resumes, on any thread.
#pragma once

#include <memory>
#include <utility>

#include "graph/hnsw_graph.hpp"
#include "graph/scratch.hpp"
#include "graph/unmet.hpp"

namespace vicinal {

// A cancelled search that has a ParkedWalk stores its state there; the next search that is given it
// resumes. The holder keeps the graph alive.
class ParkedWalk {
public:
  // The kind of walk: through all vertices, keeping all; through all vertices, keeping accepted
  // ones; through accepted vertices alone. A walk resumes only as the same kind.
  enum class Way : uint8_t { All, Filtered, Accepted };

  bool isOf(const HnswGraph& graph) const { return graph_ == &graph; }
  bool isOf(const HnswGraph& graph, Way way) const { return isOf(graph) && way_ == way; }
  bool isParked() const { return graph_ != nullptr; }

  // Distances of a walk led by other codes cannot be compared, so such a walk is dropped.
  void dropUnlessLedBy(const std::shared_ptr<const void>& leader) {
    if (leader_ != leader) drop();
    leader_ = leader;
  }

  // How often the walk was parked.
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
  // Used by walks among accepted vertices only.
  Unmet unmet_;
  SearchReport report_;
  uint32_t parkings_ = 0;
};

} // namespace vicinal
