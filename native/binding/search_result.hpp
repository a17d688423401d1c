// The result of a search as JavaScript gets it.
#pragma once

#include <node_api.h>

#include "search/search.hpp"

namespace vicinal::binding {

napi_value searchResult(napi_env env, SearchResult& result);
// The same of a search that asked for no vectors and no explanation, in one Float64Array, which
// src/native/plain-search.ts reads; a large one as above.
napi_value packedResult(napi_env env, SearchResult& result);

} // namespace vicinal::binding
