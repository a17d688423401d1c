// Counts the points with each value of an indexed payload field.
#pragma once

#include <string>

#include "base/buffer.hpp"
#include "base/cancel.hpp"
#include "filter/payload_index.hpp"
#include "search/filter_bytes.hpp"
#include "segment/snapshot.hpp"

namespace vicinal {

struct FacetRequest {
  std::string field;
  uint32_t limit = 10;
  FilterBytes filter;
};

// Most frequent value first; equally frequent ones in the order of values.
struct FacetResult {
  PayloadIndexKind kind = PayloadIndexKind::Keyword;
  Buffer<double> counts;
  // For keywords and UUIDs.
  Buffer<char> texts;
  Buffer<uint32_t> offsets;
  // For integers; booleans are 0 and 1.
  Buffer<int64_t> integers;
};

// INVALID_ARGUMENT if the field has no index, or one of floats or date-times.
Status facet(const Snapshot& snapshot, size_t vectors, const FacetRequest& request,
             const CancelFlag* cancel, FacetResult& result);

} // namespace vicinal
