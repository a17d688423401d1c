// Checks the invariants of a graph by reading every edge.
#include <algorithm>
#include <string>
#include <vector>

#include "graph/hnsw_graph.hpp"

namespace vicinal {

class GraphValidator {
public:
  GraphValidator(const HnswGraph& graph, uint32_t vertices) : graph_(graph), vertices_(vertices) {}

  std::vector<std::string> run() {
    if (vertices_ > graph_.prepared()) {
      report("vertices", "asked for " + std::to_string(vertices_) + ", prepared are " +
                             std::to_string(graph_.prepared()));
      return violations_;
    }
    checkEntry();
    for (uint32_t vertex = 0; vertex < vertices_; vertex++)
      for (uint32_t level = 0; level <= graph_.levelOf(vertex); level++) checkRecord(vertex, level);
    // An invalid id would lead the next checks out of the arrays.
    if (violations_.empty()) checkTree();
    if (violations_.empty()) checkReachability();
    return violations_;
  }

private:
  static constexpr size_t maxViolations = 100;

  void report(const std::string& where, const std::string& what) {
    if (violations_.size() < maxViolations) violations_.push_back(where + ": " + what);
  }
  void report(uint32_t vertex, uint32_t level, const std::string& what) {
    report("vertex " + std::to_string(vertex) + " level " + std::to_string(level), what);
  }

  static uint32_t countOf(const uint32_t* record) { return record[0] & HnswGraph::countMask; }
  static uint32_t treeOf(const uint32_t* record) {
    return record[0] >> HnswGraph::treeShift & HnswGraph::countMask;
  }

  void checkEntry() {
    const uint64_t entry = graph_.entry_.load();
    const auto vertex = uint32_t(entry);
    const auto level = uint32_t(entry >> 32);
    if (vertices_ == 0) {
      if (vertex != HnswGraph::noVertex) report("entry", "an empty graph has one");
    } else if (vertex >= vertices_) {
      report("entry", "vertex " + std::to_string(vertex) + " of " + std::to_string(vertices_));
    } else if (level != graph_.levelOf(vertex)) {
      report("entry", "level " + std::to_string(level) + ", its vertex has " +
                          std::to_string(graph_.levelOf(vertex)));
    }
    for (uint32_t other = 0; other < vertices_; other++)
      if (graph_.levelOf(other) > level)
        report(other, graph_.levelOf(other), "lies above the entry");
  }

  void checkRecord(uint32_t vertex, uint32_t level) {
    if (level > 0) {
      const uint64_t end = graph_.offsets_[vertex] + uint64_t(level) * (1 + graph_.m_);
      if (graph_.offsets_[vertex] == 0 || end > graph_.upperWords_)
        return report(vertex, level, "its record lies outside the upper array");
    }
    const uint32_t* record = graph_.record(vertex, level);
    const uint32_t count = countOf(record);
    const uint32_t most = level == 0 ? graph_.m0_ : graph_.m_;
    if ((record[0] & HnswGraph::lockBit) != 0) report(vertex, level, "is locked");
    if (count > most)
      return report(vertex, level,
                    std::to_string(count) + " neighbours of at most " + std::to_string(most));
    if (treeOf(record) > count || (level > 0 && treeOf(record) > 0) ||
        treeOf(record) > graph_.treeLimit())
      report(vertex, level, std::to_string(treeOf(record)) + " tree edges");
    std::vector<uint32_t> ids(record + 1, record + 1 + count);
    std::sort(ids.begin(), ids.end());
    if (std::adjacent_find(ids.begin(), ids.end()) != ids.end())
      report(vertex, level, "a neighbour twice");
    for (const uint32_t id : ids) {
      if (id >= vertices_)
        report(vertex, level, "neighbour " + std::to_string(id) + " is not there");
      else if (id == vertex)
        report(vertex, level, "is its own neighbour");
      else if (graph_.levelOf(id) < level)
        report(vertex, level,
               "neighbour " + std::to_string(id) + " ends at level " +
                   std::to_string(graph_.levelOf(id)));
    }
  }

  // Every tree edge has its counterpart, and there is one edge fewer than vertices. Together with
  // reachability (checked next), this proves that the edges form a tree.
  void checkTree() {
    uint64_t ends = 0;
    for (uint32_t vertex = 0; vertex < vertices_; vertex++) {
      const uint32_t* record = graph_.level0(vertex);
      ends += treeOf(record);
      for (uint32_t i = 1; i <= treeOf(record); i++) {
        const uint32_t* other = graph_.level0(record[i]);
        if (std::find(other + 1, other + 1 + treeOf(other), vertex) == other + 1 + treeOf(other))
          report(vertex, 0, "tree edge to " + std::to_string(record[i]) + " has no counterpart");
      }
    }
    if (vertices_ > 0 && ends != 2 * (uint64_t(vertices_) - 1))
      report("tree", std::to_string(ends) + " ends of tree edges for " + std::to_string(vertices_) +
                         " vertices");
  }

  void checkReachability() {
    if (vertices_ == 0) return;
    std::vector<bool> seen(vertices_);
    std::vector<uint32_t> waiting = {uint32_t(graph_.entry_.load())};
    seen[waiting.front()] = true;
    uint32_t reached = 1;
    while (!waiting.empty()) {
      const uint32_t* record = graph_.level0(waiting.back());
      waiting.pop_back();
      for (uint32_t i = 1; i <= treeOf(record); i++) {
        if (seen[record[i]]) continue;
        seen[record[i]] = true;
        reached++;
        waiting.push_back(record[i]);
      }
    }
    if (reached == vertices_) return;
    for (uint32_t vertex = 0; vertex < vertices_; vertex++)
      if (!seen[vertex]) report(vertex, 0, "cannot be reached from the entry");
  }

  const HnswGraph& graph_;
  const uint32_t vertices_;
  std::vector<std::string> violations_;
};

std::vector<std::string> HnswGraph::validate(uint32_t vertices) const {
  if (m_ == 0) return {};
  return GraphValidator(*this, vertices).run();
}

} // namespace vicinal
