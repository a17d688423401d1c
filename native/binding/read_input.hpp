// Reads the parts that requests of all reads share.
#pragma once

#include "binding/arguments.hpp"
#include "search/ranked_request.hpp"
#include "shard/shard.hpp"

namespace vicinal::binding {

// A count by a filter.
struct CountState {
  FilterBytes filter;
  uint64_t count = 0;

  Status take(const Result<uint64_t>& counted) {
    if (!counted) return counted.status();
    count = *counted;
    return Status::ok();
  }
};

FilterBytes readFilter(Reader& reader, napi_value value);
RowFields readFields(Reader& reader, napi_value value, const ShardSpec& spec);
uint64_t readCancel(Reader& reader, napi_value value);
uint32_t readUint32(Reader& reader, napi_value object, const char* name, uint64_t most);
uint32_t readLimit(Reader& reader, napi_value request);

// Reads `limit`, `filter` and `fields` of a request for rows.
template <typename Request>
void readRowsAsked(Reader& reader, napi_value value, const ShardSpec& spec, Request& request) {
  request.limit = readLimit(reader, value);
  request.filter = readFilter(reader, reader.property(value, "filter"));
  request.fields = readFields(reader, reader.property(value, "fields"), spec);
}

// A search within a fusion has no page and no fields; the fusion has them.
enum class Asked : uint8_t { Alone, InFusion };

// Reads the part that all searches share.
void readRanked(Reader& reader, napi_value value, const ShardSpec& spec, Asked asked,
                RankedRequest& request);

} // namespace vicinal::binding
