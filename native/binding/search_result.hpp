// The JavaScript form of a search result.
#pragma once

#include <node_api.h>

#include "search/search.hpp"

namespace vicinal::binding {

napi_value searchResult(napi_env env, SearchResult& result);
// The result of a search without vectors and explanation as one Float64Array, which
// src/native/plain-search.ts reads. A large result has the form above.
napi_value packedResult(napi_env env, SearchResult& result);

} // namespace vicinal::binding
