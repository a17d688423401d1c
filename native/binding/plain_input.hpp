// Searches that ask for nothing but neighbours and payloads, as numbers in a row
// (src/native/plain-search.ts): a property that is read by its name takes as long as all of them.
#pragma once

#include "binding/read_input.hpp"
#include "search/search.hpp"

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

} // namespace vicinal::binding
