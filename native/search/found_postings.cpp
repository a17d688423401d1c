#include "search/found_postings.hpp"

namespace vicinal {

FoundPostings::FoundPostings(const SparseSpace& space, const uint32_t* indices, size_t count)
    : runs(space.runs()), lists(runs->size() * count) {
  for (size_t run = 0; run < runs->size(); run++)
    (*runs)[run]->findAll(indices, count, lists.data() + run * count);
}

} // namespace vicinal
