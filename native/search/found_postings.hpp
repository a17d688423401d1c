// The posting lists of a query's indices, looked up once. A short search needs them three times:
// for its cost estimate, for IDF, and for the search itself.
#pragma once

#include <memory>
#include <vector>

#include "segment/snapshot.hpp"
#include "sparse/sparse_space.hpp"

namespace vicinal {

// The lists in one segment.
struct FoundPostings {
  std::shared_ptr<const PostingRuns> runs;
  // The list of each index in each run, run by run.
  std::vector<PostingRun::List> lists;

  // `segments` is the number of segments that are searched.
  FoundPostings(const SparseSpace& space, const uint32_t* indices, size_t count, size_t segments);

  const PostingRun::List* of(size_t run) const {
    return lists.data() + run * (lists.size() / runs->size());
  }
};

} // namespace vicinal
