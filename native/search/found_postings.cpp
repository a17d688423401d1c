#include "search/found_postings.hpp"

namespace vicinal {

namespace {

// Postings to prefetch: about as many as a short search reads.
constexpr size_t kAhead = 4096;

} // namespace

FoundPostings::FoundPostings(const SparseSpace& space, const uint32_t* indices, size_t count,
                             size_t segments)
    : runs(space.runs()), lists(runs->size() * count) {
  for (size_t run = 0; run < runs->size(); run++)
    (*runs)[run]->findAll(indices, count, kAhead / segments / runs->size(),
                          lists.data() + run * count);
}

} // namespace vicinal
