// What searches are asked with.
#pragma once

#include "binding/arguments.hpp"
#include "search/sparse_search.hpp"
#include "shard/shard.hpp"

namespace vicinal::binding {

void readSearch(Reader& reader, napi_value value, const ShardSpec& spec, SearchRequest& request);
void readSparseSearch(Reader& reader, napi_value value, const ShardSpec& spec,
                      SparseRequest& request);

} // namespace vicinal::binding
