#include "binding/plain_input.hpp"

#include <cmath>

#include "binding/bounds.hpp"
#include "binding/search_input.hpp"

namespace vicinal::binding {

SearchCall readPlainSearch(Reader& reader, const Span<double>& numbers, napi_value query,
                           napi_value filter, const ShardSpec& spec, SearchRequest& request) {
  enum Flag : uint32_t { Exact = 1, IndexedOnly = 2, Payload = 4, HasThreshold = 8, AllFlags = 15 };
  enum Place : size_t {
    Vector,
    Limit,
    Offset,
    Ef,
    Cancel,
    Flags,
    Recall,
    Threshold,
    InlineUs,
    MostBytes,
    ReportsFromUs,
    Count
  };
  if (!reader.failed() && numbers.length != Count) reader.fail("numbers", "those of a search");
  if (reader.failed()) return {};
  const auto number = [&](Place place, const char* name, double least, double most) {
    return reader.checkedNumber(numbers.data[place], name, least, most);
  };
  const auto integer = [&](Place place, const char* name, uint64_t most) {
    return reader.checkedInteger(numbers.data[place], name, 0, most);
  };
  const auto integer32 = [&](Place place, const char* name, uint32_t most) {
    return static_cast<uint32_t>(integer(place, name, most));
  };
  request.vector = integer32(Vector, "vector", kMostVectors);
  if (request.vector >= spec.vectors.size()) reader.fail("vector", "one of the shard's");
  request.limit = integer32(Limit, "limit", kMostResults);
  request.offset = integer32(Offset, "offset", kMostResults);
  request.ef = integer32(Ef, "ef", kMostEf);
  request.recall = static_cast<float>(number(Recall, "recall", 0, 1));
  const uint32_t flags = integer32(Flags, "flags", AllFlags);
  request.isExact = (flags & Exact) != 0;
  request.isIndexedOnly = (flags & IndexedOnly) != 0;
  request.fields.payload = (flags & Payload) != 0;
  // 0: any.
  const uint64_t mostBytes = integer(MostBytes, "mostBytes", kMostSafeInteger);
  if (mostBytes > 0) request.fields.mostBytes = mostBytes;
  request.reportsFromUs = number(ReportsFromUs, "reportsFromUs", -1, kMostSafeInteger);
  request.hasThreshold = (flags & HasThreshold) != 0;
  if (request.hasThreshold)
    request.threshold =
        static_cast<float>(number(Threshold, "scoreThreshold", -INFINITY, INFINITY));
  const SearchCall call{integer(Cancel, "cancel", kMostSafeInteger),
                        number(InlineUs, "inlineUs", kNeverInline, kMostInlineUs)};
  if (reader.failed()) return {};
  readQuery(reader, query, spec.vectors[request.vector], request);
  request.filter = readFilter(reader, filter);
  return call;
}

} // namespace vicinal::binding
