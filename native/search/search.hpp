// Nearest-neighbour search over a snapshot of a shard, scroll and count.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "search/examples.hpp"
#include "search/ranked_hit.hpp"
#include "search/ranked_request.hpp"
#include "search/row_block.hpp"
#include "search/segment_report.hpp"

namespace vicinal {

class ParkedSearch;

struct SearchRequest : RankedRequest {
  uint32_t vector = 0;
  // Of the vector's dimension, finite and, under Cosine, of unit length (or zero). Of a
  // multivector: several, end to end.
  std::vector<float> query;
  // In its place.
  std::optional<Examples> examples;
  // Width of the beam; 0: as far as the recall asked for takes.
  uint32_t ef = 0;
  // Mean share of the true neighbours that answers must have.
  float recall = 0.95f;
  // Of the loss that leaves, how much may be asked of the calibration: less than all where queries
  // were seen to lose more than it says (RecallMeter).
  float lossShare = 1;
  // No walk is planned for less: until it was seen what queries get (RecallMeter).
  float leastRecall = 0;
  // How long the median walk is, over the one that was measured (WalkLength).
  float walkLength = 1;
  // Where a run that is cancelled leaves what it has done, to be taken up by another; may be null.
  ParkedSearch* parked = nullptr;
  bool isExact = false;
  // Codes lead unless this is set.
  bool ignoresCodes = false;
  // Whether what codes found is scored exactly, and how many for each one wanted; 0: as many as
  // the recall asked for takes.
  bool rescores = true;
  float oversampling = 0;
  bool isIndexedOnly = false;
};

struct SearchStats {
  uint64_t visited = 0;
  uint64_t distances = 0;
  // Of them, exact ones of what was found by code.
  uint64_t rescored = 0;
  // Of the walks that are bounded: distances, and those of median ones that were measured.
  double walked = 0;
  double typical = 0;
  // Of the codes, vectors and lists of neighbours that were read.
  uint64_t bytes = 0;
  // About how many rows match the filter.
  uint64_t matches = 0;
  double tookUs = 0;
  // That every segment promises; 0 where one walks by a width that the request named.
  double recall = 1;
  // Whether a graph of a value's own has become due by this search.
  bool hasDueGraph = false;
  // What was done, the same for several segments once.
  std::string strategy;

  void note(const char* what) {
    if (strategy.find(what) != std::string::npos) return;
    if (!strategy.empty()) strategy += "; ";
    strategy += what;
  }
};

struct SearchResult {
  RowBlock rows;
  Buffer<float> scores;
  SearchStats stats;
  // Where the request asks for it.
  std::vector<SegmentReport> segments;
};

// Whether a search may have to read vectors from their file all along, and not some of them at its
// end.
bool mayWaitForFile(const Snapshot& snapshot, const SearchRequest& request);

Status search(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
              const SearchRequest& request, const CancelFlag* cancel, SearchResult& result,
              Waiting waiting = Waiting::Allowed);
// The same without reading the rows, for who chooses among them: of `result`, stats and segments.
Status rank(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
            const SearchRequest& request, const CancelFlag* cancel, SearchResult& result,
            std::vector<RankedHit>& hits, Waiting waiting = Waiting::Allowed);

// About how many distances the search will compute, and how many of them in walks; infinite where
// that is not known beforehand, which is so with a filter, of multivectors and by examples.
struct DistanceEstimate {
  double all = 0;
  double walked = 0;
};
DistanceEstimate estimateDistances(const Snapshot& snapshot, const SearchRequest& request);

} // namespace vicinal
