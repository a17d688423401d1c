#include "binding/plain_input.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "binding/bounds.hpp"
#include "binding/search_input.hpp"

namespace vicinal::binding {

namespace {

enum Flag : uint32_t {
  Exact = 1,
  IndexedOnly = 2,
  Payload = 4,
  HasThreshold = 8,
  Sparse = 16,
  Text = 32,
  Idf = 64,
  ByScores = 128,
};

// Numbers by their positions.
class Numbers {
public:
  Numbers(Reader& reader, const double* from) : reader_(reader), from_(from) {}

  uint64_t integer(size_t place, const char* name, uint64_t most) const {
    return reader_.checkedInteger(from_[place], name, 0, most);
  }
  uint32_t integer32(size_t place, const char* name, uint32_t most) const {
    return static_cast<uint32_t>(integer(place, name, most));
  }
  double number(size_t place, const char* name, double least, double most) const {
    return reader_.checkedNumber(from_[place], name, least, most);
  }
  // 0 means no bound.
  uint64_t mostBytes(size_t place) const {
    const uint64_t most = integer(place, "mostBytes", kMostSafeInteger);
    return most == 0 ? UINT64_MAX : most;
  }
  float threshold(size_t place) const {
    return static_cast<float>(number(place, "scoreThreshold", -INFINITY, INFINITY));
  }
  SearchCall call(size_t cancel, size_t inlineUs) const {
    return {integer(cancel, "cancel", kMostSafeInteger),
            number(inlineUs, "inlineUs", kNeverInline, kMostInlineUs)};
  }

private:
  Reader& reader_;
  const double* from_;
};

enum PartPlace : size_t {
  PartVector,
  PartLimit,
  PartEf,
  PartFlags,
  PartRecall,
  PartThreshold,
  PartNumbers
};

struct Operands {
  napi_value first;
  napi_value second;
  napi_value filter;
};

void readDensePart(Reader& reader, const Numbers& numbers, uint32_t flags, const Operands& operands,
                   const ShardSpec& spec, SearchRequest& request) {
  request.vector = numbers.integer32(PartVector, "vector", kMostVectors);
  if (!reader.failed() && request.vector >= spec.vectors.size())
    reader.fail("vector", "one of the shard's");
  request.ef = numbers.integer32(PartEf, "ef", kMostEf);
  request.recall = static_cast<float>(numbers.number(PartRecall, "recall", 0, 1));
  request.isExact = (flags & Exact) != 0;
  request.isIndexedOnly = (flags & IndexedOnly) != 0;
  if (!reader.failed()) readQuery(reader, operands.first, spec.vectors[request.vector], request);
}

void readSparsePart(Reader& reader, const Numbers& numbers, uint32_t flags,
                    const Operands& operands, const ShardSpec& spec, SparseRequest& request) {
  const uint32_t vector = numbers.integer32(PartVector, "vector", kMostVectors * 2);
  if (!reader.failed() && (vector < spec.vectors.size() || vector >= spec.vectorCount()))
    reader.fail("vector", "one of the shard's sparse vectors");
  if (reader.failed()) return;
  request.vector = vector - static_cast<uint32_t>(spec.vectors.size());
  request.hasIdf = (flags & Idf) != 0;
  if ((flags & Text) != 0)
    readText(reader, operands.first, operands.second, request);
  else
    readEntries(reader, operands.first, operands.second, request);
}

void readRankedPart(Reader& reader, const Numbers& numbers, uint32_t flags, napi_value filter,
                    RankedRequest& request) {
  request.limit = numbers.integer32(PartLimit, "limit", kMostResults);
  request.hasThreshold = (flags & HasThreshold) != 0;
  if (request.hasThreshold) request.threshold = numbers.threshold(PartThreshold);
  request.filter = readFilter(reader, filter);
}

void readPart(Reader& reader, const Numbers& numbers, const Operands& operands,
              const ShardSpec& spec, AnySearch& any) {
  const uint32_t flags = numbers.integer32(PartFlags, "flags", ByScores - 1);
  if ((flags & Sparse) != 0) {
    SparseRequest& request = any.emplace<SparseSearch>().request;
    readSparsePart(reader, numbers, flags, operands, spec, request);
    readRankedPart(reader, numbers, flags, operands.filter, request);
  } else {
    SearchRequest& request = any.emplace<DenseSearch>().request;
    readDensePart(reader, numbers, flags, operands, spec, request);
    readRankedPart(reader, numbers, flags, operands.filter, request);
  }
}

} // namespace

SearchCall readPlainSearch(Reader& reader, const Span<double>& given, napi_value query,
                           napi_value filter, const ShardSpec& spec, SearchRequest& request) {
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
    Count
  };
  if (!reader.failed() && given.length != Count) reader.fail("numbers", "the numbers of a search");
  if (reader.failed()) return {};
  const Numbers numbers(reader, given.data);
  request.vector = numbers.integer32(Vector, "vector", kMostVectors);
  if (request.vector >= spec.vectors.size()) reader.fail("vector", "one of the shard's");
  request.limit = numbers.integer32(Limit, "limit", kMostResults);
  request.offset = numbers.integer32(Offset, "offset", kMostResults);
  request.ef = numbers.integer32(Ef, "ef", kMostEf);
  request.recall = static_cast<float>(numbers.number(Recall, "recall", 0, 1));
  const uint32_t flags = numbers.integer32(Flags, "flags", Sparse - 1);
  request.isExact = (flags & Exact) != 0;
  request.isIndexedOnly = (flags & IndexedOnly) != 0;
  request.fields.payload = (flags & Payload) != 0;
  request.fields.mostBytes = numbers.mostBytes(MostBytes);
  request.hasThreshold = (flags & HasThreshold) != 0;
  if (request.hasThreshold) request.threshold = numbers.threshold(Threshold);
  const SearchCall call = numbers.call(Cancel, InlineUs);
  if (reader.failed()) return {};
  readQuery(reader, query, spec.vectors[request.vector], request);
  request.filter = readFilter(reader, filter);
  return call;
}

SearchCall readPlainFused(Reader& reader, const Span<double>& given, napi_value operands,
                          const ShardSpec& spec, FusedSearch& search) {
  enum Place : size_t {
    Parts,
    Limit,
    Offset,
    Flags,
    K,
    Threshold,
    Cancel,
    InlineUs,
    MostBytes,
    Header
  };
  if (!reader.failed() && given.length < Header) reader.fail("numbers", "the numbers of a fusion");
  if (reader.failed()) return {};
  const uint32_t count = Numbers(reader, given.data).integer32(Parts, "parts", kMostFused);
  const size_t length = Header + size_t(count) * PartNumbers;
  if (count == 0 || given.length < length)
    reader.fail("parts", "at least one search, and the numbers of each");
  if (reader.failed()) return {};
  // Copied, because reading an array's elements may run JavaScript, which could detach the numbers.
  const std::vector<double> copy(given.data, given.data + length);
  const Numbers numbers(reader, copy.data());
  search.parts.reserve(count);
  for (uint32_t at = 0; at < count && !reader.failed(); at++) {
    const Operands of{reader.element(operands, 3 * at), reader.element(operands, 3 * at + 1),
                      reader.element(operands, 3 * at + 2)};
    readPart(reader, Numbers(reader, copy.data() + Header + size_t(at) * PartNumbers), of, spec,
             search.parts.emplace_back());
  }
  if (reader.failed()) return {};
  FusionRequest& request = search.request;
  const uint32_t flags = numbers.integer32(Flags, "flags", 2 * ByScores - 1);
  request.isByScores = (flags & ByScores) != 0;
  request.fields.payload = (flags & Payload) != 0;
  request.fields.mostBytes = numbers.mostBytes(MostBytes);
  request.k = numbers.number(K, "k", 0, UINT32_MAX);
  request.limit = numbers.integer32(Limit, "limit", kMostResults);
  request.offset = numbers.integer32(Offset, "offset", kMostResults);
  if ((flags & HasThreshold) != 0)
    request.threshold = numbers.number(Threshold, "scoreThreshold", -INFINITY, INFINITY);
  return numbers.call(Cancel, InlineUs);
}

} // namespace vicinal::binding
