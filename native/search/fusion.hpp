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

// The page asked for, best first; equal ones in the order in which they are met. Sums are in single
// precision, with every step rounded as in src/query/fusion.ts, which fuses rankings of separate
// searches. Where the work is stopped, the page is any.
Ranking fuse(const std::vector<const Ranking*>& rankings, const FusionRequest& request,
             WorkMeter& work);

// The hits with the requested fields of their points. CANCELLED where the work is stopped, and
// where waiting is refused: where a writer would have to be waited for, or much is to be read.
Status readFused(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                 const FusionRequest& request, const Ranking& hits, SearchResult& result,
                 Waiting waiting, WorkMeter& work);

} // namespace vicinal
