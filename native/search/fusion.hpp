// One ranking of several, by the places of points in each: reciprocal rank fusion (Cormack, Clarke
// and Buettcher, SIGIR 2009).
#pragma once

#include <limits>
#include <vector>

#include "search/search.hpp"

namespace vicinal {

struct FusionRequest {
  // How much the first places count: the less, the more.
  double k = 2;
  // Of each ranking; none: all count the same. A weight stretches or compresses places: with 3, the
  // third place counts as the first.
  std::vector<double> weights;
  uint32_t limit = 10;
  uint32_t offset = 0;
  double threshold = -std::numeric_limits<double>::infinity();
  RowFields fields;
};

struct FusedHit {
  PointId id;
  double seq = 0;
  float score = 0;
};

// The page asked for, best first; equal ones in the order in which they are met. Sums are in single
// precision, with every step rounded as src/query/fusion.ts does, which fuses the same where
// searches have to wait for each other.
std::vector<FusedHit> fuseRanks(const std::vector<const SearchResult*>& rankings,
                                const FusionRequest& request);

// The hits with what is to be seen of their points, which are in `rows`; without those that are
// not. CANCELLED where a writer would have to be waited for, or much is to be read.
Status readFused(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                 const FusionRequest& request, const std::vector<FusedHit>& hits,
                 const std::vector<RowRef>& rows, SearchResult& result);

} // namespace vicinal
