// How rare indices of sparse vectors are, as BM25 wants it (the inverse document frequency).
#pragma once

#include <vector>

#include "base/cancel.hpp"
#include "filter/program.hpp"
#include "search/found_postings.hpp"
#include "search/row_block.hpp"
#include "segment/snapshot.hpp"

namespace vicinal {

// Of each index, ascending: ln(1 + (n - df + 0.5) / (df + 0.5)), where df of the n live vectors
// have it; with a `corpus`, of those whose rows match it. `found` has their postings in each
// segment, or is empty. CANCELLED also where counting would take long and the caller cannot wait.
Status raritiesOf(const Snapshot& snapshot, uint32_t vector, const FilterNode* corpus,
                  const std::vector<uint32_t>& indices, const std::vector<FoundPostings>& found,
                  const CancelFlag* cancel, Waiting waiting, std::vector<float>& rarities);

} // namespace vicinal
