// Inserting: find the nearest vertices of each level, choose among them, link both ways.
#include <algorithm>
#include <cstring>
#include <thread>

#include "graph/hnsw_search.hpp"
#include "graph/rows.hpp"
#include "graph/select_nearest.hpp"

namespace vicinal {

namespace {

// The lock is held for about a hundred distances at most. A waiting thread therefore spins for a
// while before it yields.
class RecordLock {
public:
  RecordLock(uint32_t* record, uint32_t lockBit) : header_(record[0]), lockBit_(lockBit) {
    constexpr int spins = 256;
    for (int tried = 0; header_.fetch_or(lockBit_, std::memory_order_acquire) & lockBit_; tried++)
      if (tried % spins == spins - 1) std::this_thread::yield();
  }
  ~RecordLock() { header_.fetch_and(~lockBit_, std::memory_order_release); }
  RecordLock(const RecordLock&) = delete;
  RecordLock& operator=(const RecordLock&) = delete;

private:
  std::atomic_ref<uint32_t> header_;
  uint32_t lockBit_;
};

} // namespace

template <typename Rows> struct InsertScratch {
  typename Rows::WalkQuery self{};
  typename Rows::Query other{};
  std::vector<Neighbor> candidates;
  std::vector<Neighbor> chosen;
  std::vector<Neighbor> edges;
  std::vector<Neighbor> kept;
  std::vector<uint32_t> others;
  std::vector<uint32_t> ids;
  std::vector<float> distances;

  // Reserves memory for all work on a record. Once another vertex names the new vertex, no
  // allocation may fail any more, because the insert cannot be repeated.
  void reserve(size_t neighbours) {
    edges.reserve(neighbours + 1);
    kept.reserve(neighbours + 1);
    others.reserve(neighbours + 1);
    ids.reserve(neighbours + 1);
    distances.reserve(neighbours + 1);
  }

  static InsertScratch& ofThread() {
    thread_local InsertScratch scratch;
    return scratch;
  }
};

template <typename Rows> class GraphInserter {
public:
  GraphInserter(HnswGraph& graph, const Rows& rows, uint32_t vertex)
      : graph_(graph), rows_(rows), vertex_(vertex), level_(graph.levelOf(vertex)),
        scratch_(InsertScratch<Rows>::ofThread()) {
    scratch_.reserve(graph.m0_);
    rows_.load(vertex, scratch_.other);
    rows_.loadWalk(vertex, scratch_.self);
  }

  void run() {
    if (becomeFirst()) return;
    const uint64_t entry = graph_.entry_.load(std::memory_order_acquire);
    const uint32_t entryLevel = uint32_t(entry >> 32);
    const Walker self = rows_.walker(scratch_.self);
    GraphSearcher<Walker, AcceptAll> searcher(graph_, self, all);
    Neighbor at{searcher.distanceTo(uint32_t(entry)), uint32_t(entry)};
    for (uint32_t level = entryLevel; level > level_; level--) at = searcher.descend(at, level);

    // Upper levels are searched first and linked last: see Publication in hnsw_graph.hpp.
    std::vector<Neighbor> upperChosen[HnswGraph::maxLevel + 1];
    std::vector<Neighbor> starts = {at};
    const SearchOptions options = graph_.insertOptions(vertex_);
    const uint32_t top = std::min(level_, entryLevel);
    for (uint32_t level = top; level > 0; level--) {
      searcher.widen(starts, level, options);
      takeCandidates(searcher.found(), starts);
      upperChosen[level] = choose(starts, graph_.m_);
    }
    searcher.widen(starts, 0, options);
    takeCandidates(searcher.found(), scratch_.candidates);
    linkLevel0();
    for (uint32_t level = 1; level <= top; level++) linkUpper(level, upperChosen[level]);
    if (level_ > entryLevel) becomeEntry();
  }

private:
  using Scorer = typename Rows::Scorer;
  using Walker = typename Rows::Walker;
  static constexpr uint32_t treeMark = 1u << 31; // greater than any vertex number
  static constexpr AcceptAll all{};

  bool becomeFirst() {
    if (uint32_t(graph_.entry_.load(std::memory_order_acquire)) != HnswGraph::noVertex)
      return false;
    std::lock_guard lock(graph_.entryMutex_);
    if (uint32_t(graph_.entry_.load(std::memory_order_acquire)) != HnswGraph::noVertex)
      return false;
    graph_.entry_.store(uint64_t(level_) << 32 | vertex_, std::memory_order_release);
    return true;
  }

  void becomeEntry() {
    std::lock_guard lock(graph_.entryMutex_);
    if (level_ > uint32_t(graph_.entry_.load(std::memory_order_acquire) >> 32))
      graph_.entry_.store(uint64_t(level_) << 32 | vertex_, std::memory_order_release);
  }

  void takeCandidates(const SortedRun& found, std::vector<Neighbor>& into) {
    into.clear();
    found.appendTo(into);
    if constexpr (Rows::refines) refine(into);
  }

  // Replaces the candidates' distances by exact ones and sorts them again.
  void refine(std::vector<Neighbor>& candidates) {
    std::vector<uint32_t>& ids = scratch_.ids;
    std::vector<float>& distances = scratch_.distances;
    ids.clear();
    for (const Neighbor& candidate : candidates) ids.push_back(candidate.vertex);
    distances.resize(ids.size());
    rows_.load(vertex_, scratch_.other);
    rows_.scorer(scratch_.other).distances(ids.data(), ids.size(), distances.data());
    for (size_t i = 0; i < ids.size(); i++) candidates[i].distance = distances[i];
    std::sort(candidates.begin(), candidates.end(), isNearer);
  }

  // The heuristic of algorithm 4 of the paper: a candidate must be nearer to the vertex than to
  // every candidate chosen before. Of equal rows only one is chosen. So a vertex among its own
  // copies keeps edges that lead elsewhere; tree edges connect the copies.
  bool isDiverse(Neighbor candidate, const std::vector<Neighbor>& chosen) const {
    constexpr size_t batch = 4;
    if (chosen.empty()) return true;
    rows_.load(candidate.vertex, scratch_.other);
    const Scorer scorer = rows_.scorer(scratch_.other);
    for (size_t from = 0; from < chosen.size(); from += batch) {
      const size_t count = std::min(batch, chosen.size() - from);
      uint32_t ids[batch];
      float distances[batch];
      for (size_t i = 0; i < count; i++) ids[i] = chosen[from + i].vertex;
      scorer.distances(ids, count, distances);
      for (size_t i = 0; i < count; i++) {
        if (distances[i] < candidate.distance) return false;
        if (chosen[from + i].distance == candidate.distance && areEqual(ids[i], candidate.vertex))
          return false;
      }
    }
    return true;
  }

  bool areEqual(uint32_t a, uint32_t b) const {
    const Space& space = graph_.space_;
    return std::memcmp(space.row(a), space.row(b), space.rowBytes) == 0;
  }

  std::vector<Neighbor>& choose(const std::vector<Neighbor>& candidates, size_t most) {
    std::vector<Neighbor>& chosen = scratch_.chosen;
    chosen.clear();
    for (const Neighbor& candidate : candidates) {
      if (chosen.size() >= most) break;
      if (isDiverse(candidate, chosen)) chosen.push_back(candidate);
    }
    return chosen;
  }

  void linkLevel0() {
    std::vector<Neighbor>& chosen = choose(scratch_.candidates, graph_.easyLinks());
    const uint32_t parent = adopt(chosen);
    for (const Neighbor& neighbor : chosen)
      if (neighbor.vertex != parent) addEdge(neighbor.vertex, 0, neighbor.distance, false);
  }

  // Finds the nearest vertex that can be a parent and lets it name the new vertex. If all
  // candidates have the most children allowed, the search goes down the tree from the nearest; its
  // leaves have room.
  uint32_t adopt(const std::vector<Neighbor>& chosen) {
    for (const Neighbor& candidate : scratch_.candidates)
      if (tryParent(candidate, chosen)) return candidate.vertex;
    uint32_t at = scratch_.candidates.front().vertex;
    rows_.load(vertex_, scratch_.other);
    const Scorer self = rows_.scorer(scratch_.other);
    // No path down a tree is longer than its number of vertices.
    for (uint32_t step = 0; step < graph_.prepared(); step++) {
      if (tryParent({self.distance(at), at}, chosen)) return at;
      const uint32_t* record = graph_.level0(at);
      const uint32_t children = treeEdges(record) - 1; // the root has one child more
      at = loadId(record[2 + (vertex_ + step) % children]);
    }
    // A loop without result means that the tree has been damaged since the file was opened. The
    // vertex is then reachable by its other edges.
    writeOwn(at, chosen);
    addEdge(at, 0, self.distance(at), false);
    return at;
  }

  static uint32_t treeEdges(const uint32_t* record) {
    return loadId(record[0]) >> HnswGraph::treeShift & HnswGraph::countMask;
  }

  bool tryParent(Neighbor parent, const std::vector<Neighbor>& chosen) {
    uint32_t* record = graph_.level0(parent.vertex);
    if (treeEdges(record) >= graph_.treeLimit()) return false;
    RecordLock lock(record, HnswGraph::lockBit);
    if (treeEdges(record) >= graph_.treeLimit()) return false;
    writeOwn(parent.vertex, chosen);
    addEdgeLocked(parent.vertex, 0, parent.distance, true);
    return true;
  }

  // Writes the new vertex's level-0 record, parent first. No other vertex names it yet.
  void writeOwn(uint32_t parent, const std::vector<Neighbor>& chosen) {
    uint32_t* record = graph_.level0(vertex_);
    uint32_t count = 1;
    storeId(record[1], parent);
    for (const Neighbor& neighbor : chosen)
      if (neighbor.vertex != parent && count < graph_.easyLinks())
        storeId(record[1 + count++], neighbor.vertex);
    storeId(record[0], count | 1u << HnswGraph::treeShift);
  }

  void linkUpper(uint32_t level, const std::vector<Neighbor>& chosen) {
    uint32_t* record = graph_.record(vertex_, level);
    for (size_t i = 0; i < chosen.size(); i++) storeId(record[1 + i], chosen[i].vertex);
    storeId(record[0], uint32_t(chosen.size()));
    for (const Neighbor& neighbor : chosen)
      addEdge(neighbor.vertex, level, neighbor.distance, false);
  }

  void addEdge(uint32_t from, uint32_t level, float distance, bool isTree) {
    RecordLock lock(graph_.record(from, level), HnswGraph::lockBit);
    addEdgeLocked(from, level, distance, isTree);
  }

  // Adds an edge to the new vertex to a locked record; a full record is pruned. On level 0, pruning
  // starts at twice m. The record grows further only if so many of its neighbours are diverse.
  void addEdgeLocked(uint32_t from, uint32_t level, float distance, bool isTree) {
    uint32_t* record = graph_.record(from, level);
    const uint32_t count = loadId(record[0]) & HnswGraph::countMask;
    const uint32_t tree = treeEdges(record);
    const bool isFull = count == (level == 0 ? graph_.m0_ : graph_.m_);
    if (isFull || (level == 0 && count == graph_.easyLinks())) {
      const Neighbor added{distance, vertex_};
      chooseAnew(from, record, count, tree, added, isTree);
      if (isFull || scratch_.kept.size() <= graph_.mostDiverseOfEasy())
        return rewrite(record, tree, isTree);
    }
    uint32_t at = count;
    if (isTree && tree < count) {
      storeId(record[1 + count], record[1 + tree]);
      at = tree;
    }
    storeId(record[1 + at], vertex_);
    setHeader(record, count + 1, tree + (isTree ? 1 : 0));
  }

  static void setHeader(uint32_t* record, uint32_t count, uint32_t tree) {
    storeId(record[0], count | tree << HnswGraph::treeShift | HnswGraph::lockBit);
  }

  // Prunes the neighbours of a record together with the new one, to at most the present number.
  // Tree edges always stay; any other neighbour must be nearer to `from` than to each one kept
  // before it. `kept` gets all of them, `others` those without a tree edge.
  void chooseAnew(uint32_t from, const uint32_t* record, uint32_t count, uint32_t tree,
                  Neighbor added, bool isTree) {
    sortEdges(from, record, count, tree, added, isTree);
    uint32_t treesAhead = tree + (isTree ? 1 : 0);
    std::vector<Neighbor>& kept = scratch_.kept;
    kept.clear();
    scratch_.others.clear();
    for (const Neighbor& edge : scratch_.edges) {
      const Neighbor plain{edge.distance, edge.vertex & ~treeMark};
      if ((edge.vertex & treeMark) != 0) {
        treesAhead--;
        kept.push_back(plain);
      } else if (kept.size() + treesAhead < count && isDiverse(plain, kept)) {
        kept.push_back(plain);
        scratch_.others.push_back(plain.vertex);
      }
    }
  }

  // Writes the chosen neighbours back, tree edges first and in their order.
  void rewrite(uint32_t* record, uint32_t tree, bool isTree) {
    if (isTree) storeId(record[1 + tree], vertex_);
    const uint32_t trees = tree + (isTree ? 1 : 0);
    uint32_t written = trees;
    for (const uint32_t other : scratch_.others) storeId(record[1 + written++], other);
    setHeader(record, written, trees);
  }

  // The neighbours of a record and the new one, nearest to `from` first, tree edges marked.
  void sortEdges(uint32_t from, const uint32_t* record, uint32_t count, uint32_t tree,
                 Neighbor added, bool isTree) {
    std::vector<uint32_t>& ids = scratch_.ids;
    std::vector<float>& distances = scratch_.distances;
    std::vector<Neighbor>& edges = scratch_.edges;
    ids.assign(record + 1, record + 1 + count);
    distances.resize(count);
    rows_.load(from, scratch_.other);
    rows_.scorer(scratch_.other).distances(ids.data(), count, distances.data());
    edges.clear();
    for (uint32_t i = 0; i < count; i++)
      edges.push_back({distances[i], ids[i] | (i < tree ? treeMark : 0)});
    edges.push_back({added.distance, added.vertex | (isTree ? treeMark : 0)});
    sortNearest(edges.data(), edges.size());
  }

  HnswGraph& graph_;
  const Rows rows_;
  const uint32_t vertex_;
  const uint32_t level_;
  InsertScratch<Rows>& scratch_;
};

void HnswGraph::insert(uint32_t vertex) {
  if (m_ == 0) {
    // Nothing to link.
  } else if (codes_.isSq8())
    GraphInserter<Sq8Rows>(*this, {codes_.sq8()}, vertex).run();
  else if (codes_.kind() == CodeKind::Rabitq4)
    GraphInserter<CodedRows>(*this, {space_, codes_}, vertex).run();
  else
    GraphInserter<FloatRows>(*this, {space_}, vertex).run();
  inserted_.fetch_add(1, std::memory_order_acq_rel);
}

} // namespace vicinal
