// The nearest rows of many query vectors, for reports about a collection. Nothing is learnt from
// these searches: neither recall nor pace, which belong to callers' own queries.
#pragma once

#include <vector>

#include "base/buffer.hpp"
#include "base/cancel.hpp"
#include "search/filter_bytes.hpp"
#include "segment/snapshot.hpp"
#include "segment/vector_space.hpp"

namespace vicinal {

struct NearestListsRequest {
  uint32_t vector = 0;
  // Query vectors end to end, each of the vector's dimension.
  std::vector<float> queries;
  // The length of each list.
  uint32_t limit = 10;
  float recall = 0.95f;
  // Rows of the lists meet it.
  FilterBytes filter;
};

// One list for each query, best first. Each has `limit` places; `counts` says how many are filled.
struct NearestLists {
  Buffer<uint32_t> ids;
  Buffer<float> scores;
  Buffer<uint32_t> counts;
};

Status nearestLists(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                    const NearestListsRequest& request, const CancelFlag* cancel,
                    NearestLists& lists);

} // namespace vicinal
