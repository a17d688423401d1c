#include "binding/read_input.hpp"

#include <cmath>

#include "binding/bounds.hpp"
#include "binding/columns_input.hpp"

namespace vicinal::binding {

FilterBytes readFilter(Reader& reader, napi_value value) {
  const auto bytes = reader.typedOrNull<uint8_t>(value, "filter");
  if (!bytes.present()) return std::nullopt;
  return std::vector<uint8_t>(bytes.data, bytes.data + bytes.length);
}

RowFields readFields(Reader& reader, napi_value value, const ShardSpec& spec) {
  RowFields fields;
  fields.payload = reader.boolean(reader.property(value, "payload"), "fields.payload");
  fields.vectors = readVectorIndexes(reader, reader.property(value, "vectors"), spec);
  napi_value most = reader.property(value, "mostBytes");
  if (!reader.isAbsent(most))
    fields.mostBytes = reader.integer(most, "fields.mostBytes", 1, kMostSafeInteger);
  return fields;
}

uint32_t readUint32(Reader& reader, napi_value object, const char* name, uint64_t most) {
  return static_cast<uint32_t>(reader.integer(reader.property(object, name), name, 0, most));
}

uint32_t readLimit(Reader& reader, napi_value request) {
  return readUint32(reader, request, "limit", kMostResults);
}

void readRanked(Reader& reader, napi_value value, const ShardSpec& spec, Asked asked,
                RankedRequest& request) {
  request.limit = readLimit(reader, value);
  request.filter = readFilter(reader, reader.property(value, "filter"));
  napi_value threshold = reader.property(value, "scoreThreshold");
  request.hasThreshold = !reader.isAbsent(threshold);
  if (request.hasThreshold)
    request.threshold =
        static_cast<float>(reader.number(threshold, "scoreThreshold", -INFINITY, INFINITY));
  napi_value exclude = reader.property(value, "exclude");
  if (!reader.isAbsent(exclude))
    request.exclude = readPointIds(reader, exclude, "exclude", kMostExcluded);
  if (asked == Asked::InFusion) return;
  request.offset = readUint32(reader, value, "offset", kMostResults);
  request.fields = readFields(reader, reader.property(value, "fields"), spec);
  napi_value explain = reader.property(value, "explain");
  if (!reader.isAbsent(explain)) request.explains = reader.boolean(explain, "explain");
  napi_value reportsFromUs = reader.property(value, "reportsFromUs");
  if (!reader.isAbsent(reportsFromUs))
    request.reportsFromUs = reader.number(reportsFromUs, "reportsFromUs", -1, kMostSafeInteger);
}

uint64_t readCancel(Reader& reader, napi_value value) {
  return reader.integer(value, "cancel", 0, kMostSafeInteger);
}

} // namespace vicinal::binding
