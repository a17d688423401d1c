// Searches that ask for nothing but neighbours and payloads, and fusions of such searches, as
// numbers in a row (src/native/plain-search.ts, plain-fused.ts): a property that is read by its
// name takes as long as all of them.
#pragma once

#include "binding/read_input.hpp"
#include "shard/fused_search.hpp"

namespace vicinal::binding {

// How a search is called: its number for `cancel`, and how long it may hold the calling thread.
struct SearchCall {
  uint64_t cancel = 0;
  double inlineUs = 0;
  // Of the event loop, that it has waited for.
  uint32_t turns = 0;
};

SearchCall readPlainSearch(Reader& reader, const Span<double>& numbers, napi_value query,
                           napi_value filter, const ShardSpec& spec, SearchRequest& request);
// `operands` are three of each search: what is searched by, in two (see plain-fused.ts), and the
// filter.
SearchCall readPlainFused(Reader& reader, const Span<double>& numbers, napi_value operands,
                          const ShardSpec& spec, FusedSearch& search);

} // namespace vicinal::binding
