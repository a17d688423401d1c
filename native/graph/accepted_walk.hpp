// Searches a graph among accepted vertices alone. In place of a refused neighbour, the walk reads
// the neighbours of that neighbour. So accepted vertices stay connected, and distances are computed
// only for accepted vertices. (ACORN-1: Patel et al., "ACORN: Performant and Predicate-Agnostic
// Search Over Vector Embeddings and Structured Data", 2024.)
#pragma once

#include "graph/hnsw_search.hpp"
#include "graph/unmet.hpp"

namespace vicinal {

// `isLive(vertex)` is called only for vertices whose distance would be computed.
template <typename Scorer, typename IsLive> class AcceptedWalk {
public:
  AcceptedWalk(const HnswGraph& graph, const Scorer& scorer, Unmet& unmet, const IsLive& isLive)
      : graph_(graph), scorer_(scorer), unmet_(unmet), isLive_(isLive),
        scratch_(Scratch::ofThread()), most_(std::max(1u, graph.easyLinks() * 3 / 4)) {
    // After the last vertex that still fits, one more list may be read whole.
    scratch_.makeRoom(2 * graph.m0_ + 1);
    scratch_.refused.resize(graph.m0_ + 1);
  }

  SearchReport report;

  // Leaves the nearest accepted vertices of level 0 in `found()`.
  SearchEnd run(Neighbor start, const SearchOptions& options) {
    scratch_.visited.start(graph_.prepared());
    scratch_.beam.start(std::max(options.ef, 1u), options.stop);
    if (options.hidden != nullptr) hide(options.hidden->vertices());
    if (unmet_.covers(start.vertex) && takeLive(start.vertex))
      scratch_.beam.keep(start);
    else
      expand(start.vertex);
    return goOn(options);
  }

  // Like `run`, for a walk that was parked.
  SearchEnd resume(ParkedWalk& parked, const SearchOptions& options) {
    report = parked.take(scratch_, unmet_);
    began_ = report.hops;
    return goOn(options);
  }

  void park(ParkedWalk& parked) const { parked.park(graph_, scratch_, report, unmet_); }

  // Nearest first.
  const SortedRun& found() { return scratch_.beam.inOrder(); }

private:
  static constexpr uint64_t hopsBetweenChecks = 16;
  // Cost of reading one list and asking for each vertex whether it is accepted.
  static constexpr uint64_t kDistancesPerList = 2;
  // Lists that are prefetched while one is read.
  static constexpr size_t kListsAhead = 6;

  // Hides these vertices from the walk. The list of the first one may still be read: it replaces
  // the edges that the graph would have without them.
  void hide(const std::vector<uint32_t>& vertices) {
    for (const uint32_t vertex : vertices) {
      if (!unmet_.covers(vertex)) continue;
      unmet_.take(vertex);
      if (vertex != vertices.front()) scratch_.visited.add(vertex);
    }
  }

  SearchEnd goOn(const SearchOptions& options) {
    Beam& beam = scratch_.beam;
    while (beam.hasNext()) {
      if (report.hops % hopsBetweenChecks == 0 && report.hops != began_ &&
          options.cancel != nullptr && options.cancel->isCancelled())
        return SearchEnd::Cancelled;
      report.hops++;
      if (report.distances + kDistancesPerList * report.lists >= options.maxDistances)
        return SearchEnd::BudgetSpent;
      const uint32_t vertex = beam.takeNext();
      if (beam.hasNext()) prefetchLinks(beam.peekNext());
      expand(vertex);
    }
    return SearchEnd::Complete;
  }

  void expand(uint32_t vertex) {
    const size_t count = collect(vertex);
    const uint32_t* const ids = scratch_.ids.data();
    scorer_.distances(ids, count, scratch_.distances.data());
    report.distances += count;
    scratch_.beam.keep(scratch_.distances.data(), ids, count, [&](uint32_t next, bool isNew) {
      if (isNew) prefetchLinks(next);
    });
  }

  // Collects accepted neighbours that are new, then new accepted neighbours of the refused ones,
  // until there are enough for one hop. The loops have no branches, since the processor could not
  // predict them.
  size_t collect(uint32_t vertex) {
    uint32_t* const ids = scratch_.ids.data();
    uint32_t* const others = scratch_.refused.data();
    size_t found = 0;
    size_t count = 0;
    const uint32_t* const record = graph_.level0(vertex);
    const size_t links = loadId(record[0]) & HnswGraph::countMask;
    for (size_t i = 0; i < links; i++) {
      const uint32_t id = loadId(record[1 + i]);
      // Vertices that were laid out after this search began are skipped.
      if (!unmet_.covers(id)) continue;
      const bool isNew = takeLive(id);
      ids[found] = others[count] = id;
      found += isNew ? 1 : 0;
      count += isNew ? 0 : 1;
    }
    report.looked += links;
    for (size_t i = 0; i < std::min(count, kListsAhead); i++) prefetchLinks(others[i]);
    for (size_t i = 0; i < count && found < most_; i++) {
      if (i + kListsAhead < count) prefetchLinks(others[i + kListsAhead]);
      // A list is read only once.
      if (scratch_.visited.covers(others[i]) && scratch_.visited.add(others[i]))
        found = collectBehind(others[i], found);
    }
    report.met += found;
    return found;
  }

  // A dead vertex is treated like a refused one: the walk goes on behind it.
  bool takeLive(uint32_t vertex) {
    const bool isNew = unmet_.take(vertex);
    if constexpr (std::is_same_v<IsLive, AcceptAll>) return isNew;
    const bool isDead = isNew && !isLive_(vertex);
    report.dead += isDead ? 1 : 0;
    return isNew && !isDead;
  }

  size_t collectBehind(uint32_t vertex, size_t found) {
    uint32_t* const ids = scratch_.ids.data();
    const uint32_t* const record = graph_.level0(vertex);
    const size_t links = loadId(record[0]) & HnswGraph::countMask;
    for (size_t i = 0; i < links; i++) {
      const uint32_t id = loadId(record[1 + i]);
      if (!unmet_.covers(id)) continue;
      ids[found] = id;
      found += takeLive(id) ? 1 : 0;
    }
    report.lists++;
    report.looked += links;
    return found;
  }

  void prefetchLinks(uint32_t vertex) const {
    const uint32_t* record = graph_.level0(vertex);
    for (uint32_t i = 0; i < 1 + graph_.m0_; i += 16) __builtin_prefetch(record + i);
  }

  const HnswGraph& graph_;
  const Scorer& scorer_;
  Unmet& unmet_;
  const IsLive& isLive_;
  Scratch& scratch_;
  // Accepted vertices to collect for one expanded vertex. With fewer, walks of the same recall make
  // more hops, which costs more than the reading saved.
  const size_t most_;
  // The hop at which a parked walk resumed. It makes progress there before it looks at the cancel
  // flag.
  uint64_t began_ = UINT64_MAX;
};

template <typename Scorer, typename IsLive>
SearchReport HnswGraph::searchAccepted(const Scorer& scorer, const SearchOptions& options,
                                       Unmet& unmet, const IsLive& isLive,
                                       std::vector<Neighbor>& found) const {
  found.clear();
  const uint64_t entry = entry_.load(std::memory_order_acquire);
  if (uint32_t(entry) == noVertex) return {};
  AcceptedWalk<Scorer, IsLive> walk(*this, scorer, unmet, isLive);
  ParkedWalk* const parked = options.parked;
  if (parked != nullptr && parked->isOf(*this, ParkedWalk::Way::Accepted)) {
    walk.report.end = walk.resume(*parked, options);
  } else if (options.start != nullptr) {
    walk.report.end = walk.run(*options.start, options);
  } else {
    const AcceptAll all;
    GraphSearcher<Scorer, AcceptAll> descent(*this, scorer, all);
    Neighbor at{descent.distanceTo(uint32_t(entry)), uint32_t(entry)};
    for (uint32_t level = uint32_t(entry >> 32); level > 0; level--)
      at = descent.descend(at, level, options.hidden);
    walk.report = descent.report;
    walk.report.end = walk.run(at, options);
  }
  const SearchReport report = walk.report;
  if (report.end == SearchEnd::Cancelled && parked != nullptr) {
    walk.park(*parked);
    return report;
  }
  walk.found().appendTo(found);
  return report;
}

} // namespace vicinal
