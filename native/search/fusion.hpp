// One ranking of several, taken of one snapshot: by the places of points in each (reciprocal rank
// fusion; Cormack, Clarke and Buettcher, SIGIR 2009), or by their scores, each ranking's scaled to
// how they are spread.
#pragma once

#include <limits>
#include <vector>

#include "search/search.hpp"

namespace vicinal {

struct FusionRequest {
  bool isByScores = false;
  // By places: how much the first ones count: the less, the more.
  double k = 2;
  // Of each ranking; none: all count the same. A weight stretches or compresses places: with 3, the
  // third place counts as the first.
  std::vector<double> weights;
  uint32_t limit = 10;
  uint32_t offset = 0;
  double threshold = -std::numeric_limits<double>::infinity();
  RowFields fields;
};

using Ranking = std::vector<RankedHit>;

// The page asked for, best first; equal ones in the order in which they are met. Sums are in single
// precision, with every step rounded as src/query/fusion.ts does, which fuses what the kernel has
// not searched at once. Where the work is stopped, the page is any.
Ranking fuse(const std::vector<const Ranking*>& rankings, const FusionRequest& request,
             WorkMeter& work);

// The hits with what is to be seen of their points. CANCELLED where the work is stopped, and where
// waiting is refused: where a writer would have to be waited for, or much is to be read.
Status readFused(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                 const FusionRequest& request, const Ranking& hits, SearchResult& result,
                 Waiting waiting, WorkMeter& work);

} // namespace vicinal
