// Reads search requests.
#pragma once

#include "binding/read_input.hpp"
#include "shard/fused_search.hpp"

namespace vicinal::binding {

// Reads a query vector and prepares it.
void readQuery(Reader& reader, napi_value value, const VectorSpec& spec, SearchRequest& request);

void readSearch(Reader& reader, napi_value value, const ShardSpec& spec, Asked asked,
                SearchRequest& request);
void readSparseSearch(Reader& reader, napi_value value, const ShardSpec& spec, Asked asked,
                      SparseRequest& request);
void readFusedSearch(Reader& reader, napi_value value, const ShardSpec& spec, FusedSearch& search);

} // namespace vicinal::binding
