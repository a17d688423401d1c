// Random points, and an estimate of their number.
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
  // Only rows whose last change is later than the first of these, and not later than the second.
  uint64_t afterSeq = 0;
  uint64_t throughSeq = UINT64_MAX;
};

// Every matching point is equally likely.
Status sample(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
              const SampleRequest& request, const CancelFlag* cancel, RowBlock& block);

// Estimates from the payload indexes, and from a sample of rows if the indexes do not cover the
// filter.
Result<uint64_t> estimateCount(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                               const CancelFlag* cancel);

} // namespace vicinal
