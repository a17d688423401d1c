// Checks the arrays of a graph that comes from a file, so that every search and insert stays within
// them and ends. Checksums prove only that a file is as written; a file may come with a snapshot
// from an untrusted source.
//
// - Counts and ids are within bounds, and records do not overlap: otherwise an insert could write
//   one vertex's neighbours into another's header.
// - Tree edges form a tree, because an insert that finds no free parent follows them down to a
//   leaf.
#include <vector>

#include "graph/hnsw_graph.hpp"

namespace vicinal {

class GraphFileCheck {
public:
  explicit GraphFileCheck(const HnswGraph& graph) : graph_(graph), vertices_(graph.prepared()) {}

  Status run() {
    VICINAL_TRY(checkEntry());
    uint64_t nextOffset = 1;
    for (uint32_t vertex = 0; vertex < vertices_; vertex++) {
      VICINAL_TRY(checkPlace(vertex, nextOffset));
      for (uint32_t level = 0; level <= graph_.levelOf(vertex); level++)
        VICINAL_TRY(checkRecord(vertex, level));
    }
    if (nextOffset != graph_.upperWords_)
      return {Code::Corrupt, "graph: more upper records than its vertices have"};
    return graph_.m_ == 0 ? Status::ok() : checkTree();
  }

private:
  // Marks a vertex that has been removed from the tree.
  static constexpr uint32_t kTaken = UINT32_MAX;

  static Status corrupt(uint32_t vertex, const char* what) {
    return {Code::Corrupt, "graph: vertex " + std::to_string(vertex) + " has " + what};
  }
  static uint32_t countOf(const uint32_t* record) { return record[0] & HnswGraph::countMask; }
  static uint32_t treeOf(const uint32_t* record) {
    return record[0] >> HnswGraph::treeShift & HnswGraph::countMask;
  }
  uint32_t entryLevel() const { return uint32_t(graph_.entry_.load() >> 32); }

  Status checkEntry() const {
    const auto entry = uint32_t(graph_.entry_.load());
    const bool isRight = vertices_ == 0 || graph_.m_ == 0
                             ? entry == HnswGraph::noVertex
                             : entry < vertices_ && graph_.levelOf(entry) == entryLevel();
    return isRight ? Status::ok() : Status(Code::Corrupt, "graph: a wrong entry vertex");
  }

  // Upper records follow each other without gaps, as `prepare` lays them out.
  Status checkPlace(uint32_t vertex, uint64_t& nextOffset) const {
    const uint32_t level = graph_.levelOf(vertex);
    if (level > entryLevel()) return corrupt(vertex, "a level above the entry's");
    if (graph_.offsets_[vertex] != (level == 0 ? 0 : nextOffset))
      return corrupt(vertex, "misplaced upper records");
    nextOffset += uint64_t(level) * (1 + graph_.m_);
    return nextOffset <= graph_.upperWords_ ? Status::ok()
                                            : corrupt(vertex, "upper records out of bounds");
  }

  Status checkRecord(uint32_t vertex, uint32_t level) const {
    const uint32_t* record = graph_.record(vertex, level);
    const uint32_t count = countOf(record);
    if (count > (level == 0 ? graph_.m0_ : graph_.m_) ||
        treeOf(record) > (level == 0 ? count : 0) || (record[0] & HnswGraph::lockBit) != 0)
      return corrupt(vertex, "a wrong header");
    for (uint32_t i = 1; i <= count; i++)
      if (record[i] >= vertices_ || (level > 0 && graph_.levelOf(record[i]) < level))
        return corrupt(vertex, "a neighbour that does not exist");
    return Status::ok();
  }

  // The first tree edge of a vertex leads to its parent, the others to its children. The root's
  // first edge leads to a child, so the root and this child name each other; no other two vertices
  // do. Every other vertex is named once, by its parent.
  Status checkTree() {
    if (vertices_ < 2)
      return vertices_ == 0 || treeOf(graph_.level0(0)) == 0 ? Status::ok()
                                                             : corrupt(0, "a wrong tree edge");
    parents_.resize(vertices_);
    for (uint32_t vertex = 0; vertex < vertices_; vertex++) {
      const uint32_t* record = graph_.level0(vertex);
      if (treeOf(record) == 0 || record[1] == vertex) return corrupt(vertex, "no parent");
      parents_[vertex] = record[1];
    }
    VICINAL_TRY(takeRoot());
    VICINAL_TRY(checkChildren());
    return checkDescent();
  }

  // Finds the one pair of vertices that name each other.
  Status takeRoot() {
    children_.assign(vertices_, 0);
    uint32_t roots = 0;
    for (uint32_t vertex = 0; vertex < vertices_; vertex++) {
      if (parents_[parents_[vertex]] != vertex) continue;
      children_[vertex] = kTaken;
      roots++;
    }
    return roots == 2 ? Status::ok()
                      : Status(Code::Corrupt, "graph: its tree does not have exactly one root");
  }

  Status checkChildren() {
    std::vector<bool> named(vertices_);
    for (uint32_t vertex = 0; vertex < vertices_; vertex++) {
      const uint32_t* record = graph_.level0(vertex);
      for (uint32_t i = 2; i <= treeOf(record); i++) {
        const uint32_t child = record[i];
        if (parents_[child] != vertex || parents_[vertex] == child || named[child])
          return corrupt(vertex, "a tree edge to a vertex that is not its child");
        named[child] = true;
        if (children_[vertex] != kTaken) children_[vertex]++;
      }
    }
    for (uint32_t vertex = 0; vertex < vertices_; vertex++)
      if (children_[vertex] != kTaken && !named[vertex])
        return corrupt(vertex, "a parent that does not name it");
    return Status::ok();
  }

  // Removes leaves until none is left. Vertices that remain form a cycle.
  Status checkDescent() {
    uint32_t taken = 2;
    for (uint32_t vertex = 0; vertex < vertices_; vertex++) {
      for (uint32_t at = vertex; children_[at] == 0; at = parents_[at]) {
        children_[at] = kTaken;
        taken++;
        if (children_[parents_[at]] == kTaken) break;
        children_[parents_[at]]--;
      }
    }
    return taken == vertices_ ? Status::ok()
                              : Status(Code::Corrupt, "graph: its tree edges form a cycle");
  }

  const HnswGraph& graph_;
  const uint32_t vertices_;
  std::vector<uint32_t> parents_;
  // For each vertex, its children that are not removed yet.
  std::vector<uint32_t> children_;
};

Status HnswGraph::checkFile() const { return GraphFileCheck(*this).run(); }

} // namespace vicinal
