// Points chosen at random, and about how many there are.
#pragma once

#include "base/cancel.hpp"
#include "search/filter_bytes.hpp"
#include "search/row_block.hpp"

namespace vicinal {

struct SampleRequest {
  uint32_t limit = 10;
  uint64_t seed = 0;
  FilterBytes filter;
  RowFields fields;
};

// Each matching point is as likely as any other.
Status sample(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
              const SampleRequest& request, const CancelFlag* cancel, RowBlock& block);

// From what payload indexes know, and a look at some rows where they do not know enough.
Result<uint64_t> estimateCount(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                               const CancelFlag* cancel);

} // namespace vicinal
