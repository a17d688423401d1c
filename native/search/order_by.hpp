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
  // The value where the order starts, inclusive.
  std::variant<std::monostate, int64_t, double> from;
  uint32_t limit = 10;
  FilterBytes filter;
  RowFields fields;
};

// One row for each value: `integers` for integers and date-times, `numbers` for floats.
struct OrderResult {
  RowBlock rows;
  bool isOfNumbers = false;
  Buffer<int64_t> integers;
  Buffer<double> numbers;
};

// INVALID_ARGUMENT if the field has no index, or one that is neither of numbers nor of date-times.
Status orderBy(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
               const OrderRequest& request, const CancelFlag* cancel, OrderResult& result);

} // namespace vicinal
