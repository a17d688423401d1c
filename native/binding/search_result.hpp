// The result of a search as JavaScript gets it.
#pragma once

#include <node_api.h>

#include "search/search.hpp"

namespace vicinal::binding {

napi_value searchResult(napi_env env, SearchResult& result);

} // namespace vicinal::binding
