#include "binding/read_input.hpp"

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
  return fields;
}

uint64_t readCancel(Reader& reader, napi_value value) {
  return reader.integer(value, "cancel", 0, kMostSafeInteger);
}

} // namespace vicinal::binding
