// The rarity of indices of sparse vectors (inverse document frequency, IDF), as BM25 uses it.
#pragma once

#include <vector>

#include "base/cancel.hpp"
#include "filter/program.hpp"
#include "search/found_postings.hpp"
#include "search/row_block.hpp"
#include "segment/snapshot.hpp"

namespace vicinal {

// The IDF of each index, ascending: ln(1 + (n - df + 0.5) / (df + 0.5)), where df of the n live
// vectors have it. A `corpus` limits both counts to rows that match it. `found` has the postings in
// each segment, or is empty. CANCELLED also if counting would take long and the caller cannot wait.
Status raritiesOf(const Snapshot& snapshot, uint32_t vector, const FilterNode* corpus,
                  const std::vector<uint32_t>& indices, const std::vector<FoundPostings>& found,
                  const CancelFlag* cancel, Waiting waiting, std::vector<float>& rarities);

} // namespace vicinal
