// A hierarchical navigable small world graph (HNSW; Malkov and Yashunin) over the rows of a Space.
// Vertex v is row v.
//
// One class serves growing and frozen segments: its three arrays are Regions, which may start with
// a private mapping of a file.
//
//   level 0   a record of 1 + 4m words for each vertex: header, then the ids of its neighbours
//   offsets   one word for each vertex: where its upper records start; 0 if it has none
//   upper     for each vertex of level L, L records of 1 + m words, level 1 first
//
//   header    bits 0-11 number of neighbours, bits 12-23 number of tree edges, bit 31 lock
//
// Invariants
// - A vertex's level depends only on its number and the seed. So `prepare` lays out records before
//   anything is inserted, and records never move.
// - Reachability. Each vertex except the first has a *parent*. The edges between vertex and parent
//   are tree edges in both directions; they are never pruned. They come first in a record, the
//   parent foremost. So every vertex can be reached from every other whatever is pruned, even among
//   many equal vectors.
// - Publication. A vertex's level-0 record is complete before its number appears in another record.
//   Its parent is the first to name it; its upper records follow. Ids are stored with release and
//   loaded with acquire, so a thread that reads an id also sees the row.
// - An insert locks one record at a time, by the lock bit of the header. Searches take no lock;
//   they may read a half-rewritten record, which holds old and new neighbours.
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
  // 0 means no graph: vertices are counted and have empty records, and searches are not allowed.
  uint32_t m = 16;
  uint32_t efConstruct = 200;
  uint64_t seed = 0;
  Placement memory = Placement::Cached;
};

// The numbers that a file keeps beside the three arrays. Plain data, little-endian on every
// supported platform.
struct GraphMeta {
  uint32_t m;
  // Capacity of a level-0 record, in neighbours.
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

// The arrays to write to a file. Valid and unchanging while no insert runs.
struct GraphSections {
  GraphMeta meta;
  GraphSection level0;
  GraphSection offsets;
  GraphSection upper;
};

// Positions of the arrays in a file (multiples of the page size).
struct GraphFile {
  GraphMeta meta;
  int descriptor;
  uint64_t level0At;
  uint64_t offsetsAt;
  uint64_t upperAt;
};

// Accepts every vertex. The compiler removes it, so a search without filter pays nothing.
struct AcceptAll {
  bool operator()(uint32_t) const { return true; }
};

class HiddenVertices;
class ParkedWalk;

struct SearchOptions {
  // Width of the beam; a search returns at most this many results.
  uint32_t ef = 64;
  Stop stop{};
  // The most distances to compute; the search then stops.
  uint64_t maxDistances = UINT64_MAX;
  const CancelFlag* cancel = nullptr;
  // Keeps a cancelled walk so that a later search can resume it (graph/parked_walk.hpp).
  ParkedWalk* parked = nullptr;
  // May be null.
  HiddenVertices* hidden = nullptr;
  // The vertex of level 0 where a walk among accepted vertices starts; null: the end of the descent
  // from the entry.
  const Neighbor* start = nullptr;
};

enum class SearchEnd : uint8_t { Complete, BudgetSpent, Cancelled };

struct SearchReport {
  SearchEnd end = SearchEnd::Complete;
  uint64_t distances = 0;
  uint64_t hops = 0;
  // Neighbour lists read to get past refused vertices.
  uint64_t lists = 0;
  // Neighbours read, and how many of them were new.
  uint64_t looked = 0;
  uint64_t met = 0;
  // Accepted vertices that turned out to be deleted.
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

  // The stop factor of an insert in a graph of `vertices` vertices (`Stop`, docs/design/graph.md).
  static float insertReach(uint32_t efConstruct, uint32_t vertices);

  // Creates an empty graph for at most `capacity` vertices. It is built on codes if they are
  // precise enough (1-bit codes are not). Rows must never move (a Region).
  static Result<std::unique_ptr<HnswGraph>> create(const Space& space, const CodeSpace& codes,
                                                   const GraphConfig& config, uint32_t capacity);
  // Opens a graph whose arrays are mapped from a file; it may grow up to `capacity`. Every record
  // is checked (graph/hnsw_check.cpp), so a bad file gives CORRUPT, never a crash or an endless
  // loop. m and seed come from the file.
  static Result<std::unique_ptr<HnswGraph>> open(const Space& space, const CodeSpace& codes,
                                                 const GraphConfig& config, uint32_t capacity,
                                                 const GraphFile& file);

  // Lays out records for all vertices below `vertices`. One thread calls it at a time, before it
  // inserts them. Searches and inserts of earlier vertices may go on. Only this call grows the
  // arrays, so only this call can lack memory.
  Status prepare(uint32_t vertices);

  // Links a prepared vertex whose row (and code) is complete. Any number of threads may insert,
  // each vertex once, in any order. An insert that throws for lack of memory has linked nothing.
  void insert(uint32_t vertex);

  // Finds the vertices that `scorer` (graph/rows.hpp) scores nearest, among those that
  // `accept(vertex)` accepts. Puts at most `options.ef` of them into `found`, nearest first;
  // `found` is cleared before. The walk passes through refused vertices, but they are never
  // results. Safe beside inserts; a vertex whose insert still runs may or may not be found. Defined
  // in graph/hnsw_search.hpp; callers include that.
  template <typename Scorer, typename Accept>
  SearchReport search(const Scorer& scorer, const SearchOptions& options, const Accept& accept,
                      std::vector<Neighbor>& found) const;

  // Like `search`, but walks through accepted vertices alone. `unmet` holds them and is used up.
  // Defined in graph/accepted_walk.hpp.
  template <typename Scorer, typename IsLive>
  SearchReport searchAccepted(const Scorer& scorer, const SearchOptions& options, Unmet& unmet,
                              const IsLive& isLive, std::vector<Neighbor>& found) const;

  // Switches building to other codes of the same rows. No insert may run meanwhile; running
  // searches keep their codes.
  void useCodes(const CodeSpace& codes) { codes_ = codes; }

  // Number of vertices laid out by `prepare`.
  uint32_t prepared() const { return prepared_.load(std::memory_order_acquire); }
  // Number of finished inserts.
  uint32_t inserted() const { return inserted_.load(std::memory_order_acquire); }
  uint32_t m() const { return m_; }
  // Size of the prepared records in bytes.
  uint64_t bytes() const;
  void tally(const MemoryTally& tally, MemoryPart& part) const;
  // Maps the arrays from a file that holds the same bytes. False if the graph has grown since the
  // file was written. No insert may run meanwhile; searches go on.
  Result<bool> leaveTo(const GraphFile& file);
  // Drops the pages that the file backs; they are read again when needed. No insert may run
  // meanwhile.
  void shed();
  uint32_t levelOf(uint32_t vertex) const;
  // Neighbours on level 0.
  std::vector<uint32_t> neighbours(uint32_t vertex) const;

  // The arrays for the first `vertices` vertices. Exactly these must be inserted, and no insert may
  // run.
  GraphSections sections() const;

  // Checks the invariants while no insert runs and returns at most 100 violations. Vertices 0 to
  // vertices - 1 must be linked.
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

  // On easy data (vectors that differ in few directions) more level-0 neighbours than this lead
  // nowhere new and cost a distance each. A record that reaches this number is therefore pruned,
  // unless pruning would keep more than `mostDiverseOfEasy` (docs/design/graph.md).
  uint32_t easyLinks() const { return 2 * m_; }
  uint32_t mostDiverseOfEasy() const { return m_ + m_ / 4; }
  // Options of the search that finds neighbours for a new vertex (docs/design/graph.md).
  SearchOptions insertOptions(uint32_t vertex) const;
  // The most tree edges of a vertex: about a quarter of its neighbours, so that the heuristic
  // chooses most of them.
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
