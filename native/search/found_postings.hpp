// Where the postings of a query's indices are: sought once for all that a short search asks
// of them, which is how long it will take, how rare they are, and the search itself.
#pragma once

#include <memory>
#include <vector>

#include "segment/snapshot.hpp"
#include "sparse/sparse_space.hpp"

namespace vicinal {

// In one segment.
struct FoundPostings {
  std::shared_ptr<const PostingRuns> runs;
  // Of each run, one behind the other, the list of each index.
  std::vector<PostingRun::List> lists;

  // One of so many segments that are searched.
  FoundPostings(const SparseSpace& space, const uint32_t* indices, size_t count, size_t segments);

  const PostingRun::List* of(size_t run) const {
    return lists.data() + run * (lists.size() / runs->size());
  }
};

} // namespace vicinal
