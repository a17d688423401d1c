// Fuses several rankings of one snapshot into one. By places it is reciprocal rank fusion (Cormack,
// Clarke and Buettcher, SIGIR 2009). By scores, these are scaled by the spread of each ranking.
#pragma once

#include <limits>
#include <vector>

#include "search/search.hpp"

namespace vicinal {

struct FusionRequest {
  bool isByScores = false;
  // Fusion by places: a smaller k gives the first places more weight.
  double k = 2;
  // Weight of each ranking; none: all weigh the same. A weight stretches or compresses places: with
  // 3, the third place counts like the first.
  std::vector<double> weights;
  uint32_t limit = 10;
  uint32_t offset = 0;
  double threshold = -std::numeric_limits<double>::infinity();
  RowFields fields;
};

using Ranking = std::vector<RankedHit>;

// Returns the requested page, best first; ties keep the order in which they are met. Sums are in
// single precision. Every step is rounded as in src/query/fusion.ts, which fuses rankings that the
// kernel has not searched together.
Ranking fuse(const std::vector<const Ranking*>& rankings, const FusionRequest& request);

// Reads the hits with the requested fields of their points. If waiting is refused, it is CANCELLED
// when a writer holds a lock or much must be read.
Status readFused(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                 const FusionRequest& request, const Ranking& hits, SearchResult& result,
                 Waiting waiting);

} // namespace vicinal
