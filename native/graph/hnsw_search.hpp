// Searches a graph: greedily down to level 1, then with a beam on level 0.
//
// The main cost is waiting for memory. Each hop therefore first collects the unseen neighbours,
// then computes their distances in one call, which prefetches rows.
#pragma once

#include <algorithm>
#include <cfloat>
#include <optional>
#include <type_traits>

#include "graph/hidden_vertices.hpp"
#include "graph/hnsw_graph.hpp"
#include "graph/parked_walk.hpp"
#include "graph/rows.hpp"
#include "graph/scratch.hpp"

namespace vicinal {

// One search, for a query or for a vertex to insert, with the thread's working memory.
template <typename Scorer, typename Accept> class GraphSearcher {
public:
  GraphSearcher(const HnswGraph& graph, const Scorer& scorer, const Accept& accept)
      : graph_(graph), scorer_(scorer), accept_(accept), scratch_(Scratch::ofThread()) {
    scratch_.makeRoom(graph.m0_);
  }

  SearchReport report;

  float distanceTo(uint32_t vertex) {
    report.distances++;
    return scorer_.distance(vertex);
  }

  // Walks greedily to a local minimum of a level. Hidden vertices are never the result.
  Neighbor descend(Neighbor at, uint32_t level, HiddenVertices* hidden = nullptr) {
    hidden_ = hidden;
    if (hidden != nullptr && hidden->hides(at.vertex)) at.distance = FLT_MAX;
    while (true) {
      const size_t count = copyLinks(at.vertex, level);
      measure(count);
      const uint32_t before = at.vertex;
      for (size_t i = 0; i < count; i++)
        if (scratch_.distances[i] < at.distance) at = {scratch_.distances[i], scratch_.ids[i]};
      if (at.vertex == before) return at;
    }
  }

  // Searches a level from the given starts and leaves the nearest accepted vertices in `found()`.
  template <typename Starts>
  SearchEnd widen(const Starts& starts, uint32_t level, const SearchOptions& options) {
    scratch_.visited.start(graph_.prepared());
    scratch_.beam.start(std::max(options.ef, 1u), options.stop);
    scratch_.frontier.clear();
    hidden_ = options.hidden;
    if (hidden_ != nullptr)
      for (const uint32_t vertex : hidden_->vertices()) scratch_.visited.add(vertex);
    for (const Neighbor& start : starts)
      if (scratch_.visited.add(start.vertex)) keepOne(start);
    return goOn(level, options);
  }

  // Like `widen`, for a walk that was parked.
  SearchEnd resume(ParkedWalk& parked, uint32_t level, const SearchOptions& options) {
    report = parked.take(scratch_);
    began_ = report.hops;
    hidden_ = options.hidden;
    return goOn(level, options);
  }

  void park(ParkedWalk& parked) const { parked.park(graph_, kWay, scratch_, report); }

  // Nearest first.
  const SortedRun& found() { return scratch_.beam.inOrder(); }

  static constexpr bool acceptsAll = std::is_same_v<Accept, AcceptAll>;
  static constexpr auto kWay = acceptsAll ? ParkedWalk::Way::All : ParkedWalk::Way::Filtered;

private:
  static constexpr uint64_t hopsBetweenChecks = 16;

  SearchEnd goOn(uint32_t level, const SearchOptions& options) {
    while (true) {
      if (report.hops % hopsBetweenChecks == 0 && report.hops != began_ &&
          options.cancel != nullptr && options.cancel->isCancelled())
        return SearchEnd::Cancelled;
      const auto vertex = next();
      if (!vertex) return SearchEnd::Complete;
      report.hops++;
      if (report.distances >= options.maxDistances) return SearchEnd::BudgetSpent;
      const size_t count = copyUnseenLinks(*vertex, level);
      measure(count);
      keep(count, level);
    }
  }

  void measure(size_t count) {
    scorer_.distances(scratch_.ids.data(), count, scratch_.distances.data());
    report.distances += count;
  }

  size_t copyLinks(uint32_t vertex, uint32_t level) {
    const uint32_t* record = graph_.record(vertex, level);
    const size_t count = loadId(record[0]) & HnswGraph::countMask;
    uint32_t* const ids = scratch_.ids.data();
    for (size_t i = 0; i < count; i++) ids[i] = loadId(record[1 + i]);
    if (hidden_ == nullptr || !hidden_->hidesAny(ids, count)) return count;
    if (level == 0) return hidden_->leave(vertex, ids, count, graph_.m0_);
    const auto isHidden = [&](uint32_t id) { return hidden_->hides(id); };
    return size_t(std::remove_if(ids, ids + count, isHidden) - ids);
  }

  size_t copyUnseenLinks(uint32_t vertex, uint32_t level) {
    uint32_t* const ids = scratch_.ids.data();
    if (hidden_ != nullptr) {
      const size_t count = copyLinks(vertex, level);
      report.looked += count;
      return scratch_.visited.addAll(ids, count, ids);
    }
    const uint32_t* record = graph_.record(vertex, level);
    const size_t count = loadId(record[0]) & HnswGraph::countMask;
    report.looked += count;
    return scratch_.visited.addAll(record + 1, count, ids);
  }

  // Prefetches the cache lines that most neighbour lists fill.
  void prefetchLinks(uint32_t vertex) const {
    const uint32_t* record = graph_.level0(vertex);
    const uint32_t words = std::min(graph_.m0_, graph_.easyLinks());
    for (uint32_t i = 0; i <= words; i += 16) __builtin_prefetch(record + i);
  }

  // Prefetches the rows of the next hop while the beam merges this hop's. It pays only for rows of
  // one cache line; longer rows would keep too many lines in flight.
  void prefetchRows(uint32_t vertex, uint32_t level) const {
    if constexpr (Scorer::hasPrefetch) {
      if (!scorer_.isOfOneLine()) return;
      const uint32_t* record = graph_.record(vertex, level);
      const size_t count = loadId(record[0]) & HnswGraph::countMask;
      const auto prefetch = scorer_.prefetcher();
      for (size_t i = 0; i < count; i++) prefetch(loadId(record[1 + i]));
    }
  }

  static bool isFarther(const Neighbor& a, const Neighbor& b) { return a.distance > b.distance; }

  // Keeps the candidates that `measure` has measured.
  void keep(size_t count, uint32_t level) {
    if constexpr (acceptsAll) {
      // The list of a new next vertex is prefetched. If the vertex was next before, its list is in
      // the cache by now, and the rows that it names are prefetched.
      scratch_.beam.keep(scratch_.distances.data(), scratch_.ids.data(), count,
                         [&](uint32_t next, bool isNew) {
                           if (isNew)
                             prefetchLinks(next);
                           else
                             prefetchRows(next, level);
                         });
    } else {
      for (size_t i = 0; i < count; i++) keepOne({scratch_.distances[i], scratch_.ids[i]});
    }
  }

  void keepOne(Neighbor candidate) {
    if constexpr (!acceptsAll) {
      if (candidate.distance >= scratch_.beam.bound()) return;
      scratch_.frontier.push_back(candidate);
      std::push_heap(scratch_.frontier.begin(), scratch_.frontier.end(), isFarther);
      if (!accept_(candidate.vertex)) return;
    }
    scratch_.beam.keep(candidate);
  }

  std::optional<uint32_t> next() {
    if constexpr (acceptsAll) {
      if (!scratch_.beam.hasNext()) return std::nullopt;
      const uint32_t taken = scratch_.beam.takeNext();
      if (scratch_.beam.hasNext()) prefetchLinks(scratch_.beam.peekNext());
      return taken;
    } else {
      if (scratch_.frontier.empty()) return std::nullopt;
      const Neighbor nearest = scratch_.frontier.front();
      if (nearest.distance > scratch_.beam.bound()) return std::nullopt;
      std::pop_heap(scratch_.frontier.begin(), scratch_.frontier.end(), isFarther);
      scratch_.frontier.pop_back();
      if (!scratch_.frontier.empty()) prefetchLinks(scratch_.frontier.front().vertex);
      return nearest.vertex;
    }
  }

  const HnswGraph& graph_;
  const Scorer& scorer_;
  const Accept& accept_;
  Scratch& scratch_;
  HiddenVertices* hidden_ = nullptr;
  // The hop at which a parked walk resumed. It makes progress there before it looks at the cancel
  // flag.
  uint64_t began_ = UINT64_MAX;
};

template <typename Scorer, typename Accept>
SearchReport HnswGraph::search(const Scorer& scorer, const SearchOptions& options,
                               const Accept& accept, std::vector<Neighbor>& found) const {
  found.clear();
  const uint64_t entry = entry_.load(std::memory_order_acquire);
  if (uint32_t(entry) == noVertex) return {};
  GraphSearcher<Scorer, Accept> searcher(*this, scorer, accept);
  if (options.parked != nullptr && options.parked->isOf(*this, searcher.kWay)) {
    searcher.report.end = searcher.resume(*options.parked, 0, options);
  } else {
    Neighbor at{searcher.distanceTo(uint32_t(entry)), uint32_t(entry)};
    for (uint32_t level = uint32_t(entry >> 32); level > 0; level--)
      at = searcher.descend(at, level, options.hidden);
    const Neighbor starts[] = {at};
    searcher.report.end = searcher.widen(starts, 0, options);
  }
  const SearchReport report = searcher.report;
  if (report.end == SearchEnd::Cancelled && options.parked != nullptr) {
    searcher.park(*options.parked);
    return report;
  }
  searcher.found().appendTo(found);
  return report;
}

} // namespace vicinal
