// What searches are asked with.
#pragma once

#include "binding/read_input.hpp"
#include "shard/fused_search.hpp"

namespace vicinal::binding {

void readSearch(Reader& reader, napi_value value, const ShardSpec& spec, Asked asked,
                SearchRequest& request);
// How a search is called: its number for `cancel`, and how long it may hold the calling thread.
struct SearchCall {
  uint64_t cancel = 0;
  double inlineUs = 0;
};
// The same of a search that asks for nothing but neighbours of a vector and the points' payloads,
// by the numbers of src/native/plain-search.ts: a property that is read by its name takes as long
// as all of them.
SearchCall readPlainSearch(Reader& reader, const Span<double>& numbers, napi_value query,
                           napi_value filter, const ShardSpec& spec, SearchRequest& request);
void readSparseSearch(Reader& reader, napi_value value, const ShardSpec& spec, Asked asked,
                      SparseRequest& request);
void readFusedSearch(Reader& reader, napi_value value, const ShardSpec& spec, FusedSearch& search);

} // namespace vicinal::binding
