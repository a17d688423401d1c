// What reads of all kinds are asked with.
#pragma once

#include "binding/arguments.hpp"
#include "search/filter_bytes.hpp"
#include "search/row_block.hpp"
#include "shard/shard.hpp"

namespace vicinal::binding {

FilterBytes readFilter(Reader& reader, napi_value value);
RowFields readFields(Reader& reader, napi_value value, const ShardSpec& spec);
uint64_t readCancel(Reader& reader, napi_value value);

} // namespace vicinal::binding
