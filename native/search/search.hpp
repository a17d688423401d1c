// Nearest-neighbour search over a snapshot of a shard.
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
  // One query vector: of the vector's dimension, finite and, for Cosine, of unit length (or zero).
  // For a multivector: several vectors, one after the other.
  std::vector<float> query;
  // Replaces the query.
  std::optional<Examples> examples;
  // Width of the beam; 0: chosen for the requested recall.
  uint32_t ef = 0;
  // The mean recall that answers must have.
  float recall = 0.95f;
  // The share of the allowed loss that is asked of the calibration. It is less than 1 if queries
  // were measured to lose more than the calibration says (RecallMeter).
  float lossShare = 1;
  // The least recall that walks are planned for, until live queries were measured (RecallMeter).
  float leastRecall = 0;
  // Length of the median walk relative to the calibrated one (WalkLength).
  float walkLength = 1;
  // Keeps the state of a cancelled run for the next one; may be null.
  ParkedSearch* parked = nullptr;
  bool isExact = false;
  // True: the search compares vectors, not their codes.
  bool ignoresCodes = false;
  // Whether candidates by code are rescored, and how many for each wanted one; 0: chosen for the
  // requested recall.
  bool rescores = true;
  float oversampling = 0;
  bool isIndexedOnly = false;
};

struct SearchStats {
  uint64_t visited = 0;
  uint64_t distances = 0;
  // Exact distances of candidates found by code, out of `distances`.
  uint64_t rescored = 0;
  double rescoreUs = 0;
  // For walks with a bound: their distances, and the calibrated distances of median walks.
  double walked = 0;
  double typical = 0;
  // Bytes of codes, vectors and neighbour lists that were read.
  uint64_t bytes = 0;
  // Estimated number of rows that match the filter.
  uint64_t matches = 0;
  double tookUs = 0;
  // The recall that every segment promises; 0 if a segment walked by a requested width.
  double recall = 1;
  // Whether a value graph has become due by this search.
  bool hasDueGraph = false;
  // The strategies used; equal ones of several segments appear once.
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
  // Filled if the request asks for it.
  std::vector<SegmentReport> segments;
};

// Whether a search may read vectors from their file throughout, and not just a few at its end.
bool mayWaitForFile(const Snapshot& snapshot, const SearchRequest& request);

Status search(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
              const SearchRequest& request, const CancelFlag* cancel, SearchResult& result,
              Waiting waiting = Waiting::Allowed);
// Like a search without reading the rows, for callers that choose among them. Fills only stats and
// segments of `result`.
Status rank(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
            const SearchRequest& request, const CancelFlag* cancel, SearchResult& result,
            std::vector<RankedHit>& hits, Waiting waiting = Waiting::Allowed);

// Estimates the distances that the search will compute, and those in walks. Infinite if unknown:
// with a filter, for multivectors and by examples.
struct DistanceEstimate {
  double all = 0;
  double walked = 0;
};
DistanceEstimate estimateDistances(const Snapshot& snapshot, const SearchRequest& request);

} // namespace vicinal
