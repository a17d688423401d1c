// Points in the order of an indexed payload field's values.
#pragma once

#include <string>
#include <variant>

#include "base/cancel.hpp"
#include "search/filter_bytes.hpp"
#include "search/row_block.hpp"

namespace vicinal {

struct OrderRequest {
  std::string field;
  bool isDescending = false;
  // Where the order starts, inclusive.
  std::variant<std::monostate, int64_t, double> from;
  uint32_t limit = 10;
  FilterBytes filter;
  RowFields fields;
};

// A row for each value: integers of integers and date-times, numbers of floats.
struct OrderResult {
  RowBlock rows;
  bool isOfNumbers = false;
  Buffer<int64_t> integers;
  Buffer<double> numbers;
};

// INVALID_ARGUMENT where the field has no index, or one of neither numbers nor date-times.
Status orderBy(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
               const OrderRequest& request, const CancelFlag* cancel, OrderResult& result);

} // namespace vicinal
