// A hierarchical navigable small world graph (Malkov and Yashunin) over the rows of a Space. Vertex
// v is row v.
//
// One class serves segments that grow and segments that don't: the three arrays below are Regions,
// which may start with a private mapping of a file.
//
//   level 0   a record of 1 + 4m words for each vertex: header, then the ids of its neighbours
//   offsets   one word for each vertex: where its upper records start; 0 for the many without
//   upper     for each vertex of level L, L records of 1 + m words, level 1 first
//
//   header    bits 0-11 number of neighbours, bits 12-23 number of tree edges, bit 31 lock
//
// Invariants
// - A vertex's level depends only on its number and the seed. So `prepare` lays out records before
//   anything is inserted, and no record moves afterwards.
// - Reachability. Each vertex but the first inserted has a *parent*: the edges between them, in
//   both directions, are tree edges and are never pruned. They are the first of a record, the
//   parent foremost. Whatever pruning does to the rest, every vertex can be reached from every
//   other, also among any number of equal vectors.
// - Publication. A vertex's level-0 record is complete before its number appears in another's
//   record, and its parent is the first to name it; its upper records follow. Ids are stored with
//   release and loaded with acquire, so who sees a vertex also sees its row.
// - Inserts lock one record at a time, by the header's lock bit. Searches take no lock; they may
//   see a record half rewritten, that is, neighbours of before and of after.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/memory_tally.hpp"
#include "base/region.hpp"
#include "distance/kernels.hpp"
#include "graph/neighbor.hpp"
#include "graph/stop.hpp"
#include "quantize/code_space.hpp"

namespace vicinal {

struct GraphConfig {
  // 0: no graph. Vertices are counted and have empty records, and no search may be made.
  uint32_t m = 16;
  uint32_t efConstruct = 200;
  uint64_t seed = 0;
  Placement memory = Placement::Cached;
};

// What a file must keep beside the three arrays. Plain data, little-endian on every platform we
// build for.
struct GraphMeta {
  uint32_t m;
  // Neighbours that a record of level 0 has room for.
  uint32_t m0;
  uint32_t vertices;   // vertices in the arrays, all inserted
  uint32_t entry;      // noVertex in an empty graph
  uint32_t entryLevel; // highest level in use
  uint64_t upperWords; // words of the upper array in use
  uint64_t seed;
};

struct GraphSection {
  const void* data;
  size_t bytes;
};

// The arrays as they are to be written: valid and unchanging while no insert runs.
struct GraphSections {
  GraphMeta meta;
  GraphSection level0;
  GraphSection offsets;
  GraphSection upper;
};

// Where the arrays lie in a file (offsets are multiples of the page size).
struct GraphFile {
  GraphMeta meta;
  int descriptor;
  uint64_t level0At;
  uint64_t offsetsAt;
  uint64_t upperAt;
};

// Accepts every vertex; known to the compiler, so that the search without filter pays nothing.
struct AcceptAll {
  bool operator()(uint32_t) const { return true; }
};

class HiddenVertices;
class ParkedWalk;

struct SearchOptions {
  // Width of the beam; at most this many results.
  uint32_t ef = 64;
  Stop stop{};
  // Distances to compute before giving up.
  uint64_t maxDistances = UINT64_MAX;
  const CancelFlag* cancel = nullptr;
  // Where a walk that is cancelled is left, and taken up again (graph/parked_walk.hpp).
  ParkedWalk* parked = nullptr;
  // May be null.
  HiddenVertices* hidden = nullptr;
  // Where a walk among accepted vertices begins on level 0; null: where the way down leads.
  const Neighbor* start = nullptr;
};

enum class SearchEnd : uint8_t { Complete, BudgetSpent, Cancelled };

struct SearchReport {
  SearchEnd end = SearchEnd::Complete;
  uint64_t distances = 0;
  uint64_t hops = 0;
  // Lists of neighbours read to get past refused vertices.
  uint64_t lists = 0;
  // Neighbours looked at on the way, and how many of them were met for the first time.
  uint64_t looked = 0;
  uint64_t met = 0;
  // Accepted ones that were not live.
  uint64_t dead = 0;
};

class Unmet;

class HnswGraph {
public:
  static constexpr uint32_t noVertex = UINT32_MAX;
  static constexpr uint32_t leastM = 2;
  static constexpr uint32_t maxM = 512;
  static constexpr bool isM(uint32_t m) { return m == 0 || (m >= leastM && m <= maxM); }
  static constexpr uint32_t maxVertices = 1u << 31;
  static constexpr uint32_t maxLevel = 31;

  // By what factor a new vertex looks beyond the neighbours it is sure to look at (`Stop`), where
  // there are so many vertices before it (docs/design/graph.md).
  static float insertReach(uint32_t efConstruct, uint32_t vertices);

  // An empty graph for at most `capacity` vertices, which is built on codes where they are good
  // enough for it (not on those of 1 bit). Rows must stay where they are (a Region).
  static Result<std::unique_ptr<HnswGraph>> create(const Space& space, const CodeSpace& codes,
                                                   const GraphConfig& config, uint32_t capacity);
  // A graph whose arrays are mapped from a file; it may go on growing up to `capacity`. Every
  // record is checked (graph/hnsw_check.cpp), so a wrong file is CORRUPT and never a crash or a
  // loop without end. m and seed are the file's.
  static Result<std::unique_ptr<HnswGraph>> open(const Space& space, const CodeSpace& codes,
                                                 const GraphConfig& config, uint32_t capacity,
                                                 const GraphFile& file);

  // Lays out records for the vertices below `vertices`. One thread at a time, before they are
  // inserted; searches and inserts of earlier vertices go on. The only growth, and so the only
  // thing that can lack memory.
  Status prepare(uint32_t vertices);

  // Links a prepared vertex, whose row (and code) is complete. From any number of threads, each
  // vertex once, in any order. Where it throws for want of memory nothing has been linked.
  void insert(uint32_t vertex);

  // Finds the vertices that `scorer` (graph/rows.hpp) scores nearest of those that `accept(vertex)`
  // accepts: at most `options.ef` of them, nearest first, into `found` (cleared before). Vertices
  // it refuses lead the way and are never results. Safe beside inserts; vertices whose insert still
  // runs may or may not be found. Defined in graph/hnsw_search.hpp; callers include that.
  template <typename Scorer, typename Accept>
  SearchReport search(const Scorer& scorer, const SearchOptions& options, const Accept& accept,
                      std::vector<Neighbor>& found) const;

  // The same by way of accepted vertices alone, those of `unmet`, which is used up. Defined in
  // graph/accepted_walk.hpp.
  template <typename Scorer, typename IsLive>
  SearchReport searchAccepted(const Scorer& scorer, const SearchOptions& options, Unmet& unmet,
                              const IsLive& isLive, std::vector<Neighbor>& found) const;

  // Goes on building on other codes of the same rows. While no insert runs; searches go on with
  // what they have.
  void useCodes(const CodeSpace& codes) { codes_ = codes; }

  // Vertices laid out by `prepare`.
  uint32_t prepared() const { return prepared_.load(std::memory_order_acquire); }
  // Vertices whose insert has ended.
  uint32_t inserted() const { return inserted_.load(std::memory_order_acquire); }
  uint32_t m() const { return m_; }
  // Bytes the prepared records take.
  uint64_t bytes() const;
  void tally(const MemoryTally& tally, MemoryPart& part) const;
  // Leaves the arrays to a file that has the same; false where the graph has grown since. While no
  // insert runs; searches go on.
  Result<bool> leaveTo(const GraphFile& file);
  // Of what is in a file, nothing stays in this process until it is asked for. The same conditions.
  void shed();
  uint32_t levelOf(uint32_t vertex) const;
  // On level 0.
  std::vector<uint32_t> neighbours(uint32_t vertex) const;

  // The arrays for the first `vertices` vertices. Requires that exactly those are inserted and no
  // insert runs.
  GraphSections sections() const;

  // Proves the invariants for a graph in which no insert runs; the violations found, at most 100.
  // `vertices` are those that must be linked (0 to vertices - 1).
  std::vector<std::string> validate(uint32_t vertices) const;

private:
  HnswGraph(const Space& space, const CodeSpace& codes, const GraphConfig& config);
  Status reserve(uint32_t capacity, Placement memory);
  Status checkFile() const;

  template <typename Rows> friend class GraphInserter;
  friend class GraphFileCheck;
  friend class GraphValidator;
  template <typename Scorer, typename Accept> friend class GraphSearcher;
  template <typename Scorer, typename IsLive> friend class AcceptedWalk;

  static constexpr uint32_t countMask = 0xfff;
  static constexpr uint32_t treeShift = 12;
  static constexpr uint32_t lockBit = 1u << 31;

  // Where vectors differ in few ways, more neighbours than these on level 0 lead nowhere new and
  // cost a distance each. So a record of as many is thinned out, unless that leaves more than
  // `mostDiverseOfEasy` (docs/design/graph.md).
  uint32_t easyLinks() const { return 2 * m_; }
  uint32_t mostDiverseOfEasy() const { return m_ + m_ / 4; }
  // How far a new vertex looks for neighbours, before which there are so many
  // (docs/design/graph.md).
  SearchOptions insertOptions(uint32_t vertex) const;
  // Most tree edges of a vertex; a quarter of few neighbours leaves the heuristic its choice.
  uint32_t treeLimit() const { return std::max(3u, easyLinks() / 4); }

  uint32_t* level0(uint32_t vertex) { return level0_.data() + size_t(vertex) * (1 + m0_); }
  const uint32_t* level0(uint32_t vertex) const {
    return level0_.data() + size_t(vertex) * (1 + m0_);
  }
  uint32_t* record(uint32_t vertex, uint32_t level) {
    return level == 0 ? level0(vertex)
                      : upper_.data() + offsets_[vertex] + size_t(level - 1) * (1 + m_);
  }
  const uint32_t* record(uint32_t vertex, uint32_t level) const {
    return const_cast<HnswGraph*>(this)->record(vertex, level);
  }

  Space space_;
  CodeSpace codes_;
  uint32_t m_;
  uint32_t m0_;
  uint32_t efConstruct_;
  uint32_t capacity_ = 0;
  uint64_t seed_;
  RegionArray<uint32_t> level0_;
  RegionArray<uint32_t> offsets_;
  RegionArray<uint32_t> upper_;
  std::atomic<uint64_t> upperWords_{1}; // word 0 is unused, so that offset 0 can mean none
  std::atomic<uint32_t> prepared_{0};
  std::atomic<uint32_t> inserted_{0};
  // Entry vertex (low half) and its level (high half), changed together.
  std::atomic<uint64_t> entry_{noVertex};
  std::mutex entryMutex_;
};

} // namespace vicinal
