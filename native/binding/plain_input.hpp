// Reads plain searches (neighbours and payloads only), and fusions of them, from one array of
// numbers (src/native/plain-search.ts, plain-fused.ts). Reading a single property by name takes as
// long as reading all of the numbers.
#pragma once

#include "binding/read_input.hpp"
#include "shard/fused_search.hpp"

namespace vicinal::binding {

// How a search is called: its number for `cancel`, and how long it may hold the calling thread.
struct SearchCall {
  uint64_t cancel = 0;
  double inlineUs = 0;
  // Turns of the event loop that it has waited for.
  uint32_t turns = 0;
};

SearchCall readPlainSearch(Reader& reader, const Span<double>& numbers, napi_value query,
                           napi_value filter, const ShardSpec& spec, SearchRequest& request);
// `operands` has three entries for each search: two for the query (see plain-fused.ts), and the
// filter.
SearchCall readPlainFused(Reader& reader, const Span<double>& numbers, napi_value operands,
                          const ShardSpec& spec, FusedSearch& search);

} // namespace vicinal::binding
