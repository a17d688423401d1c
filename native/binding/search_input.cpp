#include "binding/search_input.hpp"

#include <cmath>
#include <utility>

#include "binding/analyzers.hpp"
#include "binding/bounds.hpp"
#include "binding/columns_input.hpp"
#include "distance/prepare.hpp"

namespace vicinal::binding {

void readQuery(Reader& reader, napi_value value, const VectorSpec& spec, SearchRequest& request) {
  const auto query = reader.typed<float>(value, "query");
  if (reader.failed()) return;
  const size_t count = query.length / spec.dim;
  if (count == 0 || query.length % spec.dim != 0 || (count > 1 && !spec.isMulti)) {
    reader.fail("query", "as many floats as the vector has dimensions");
    return;
  }
  request.query.assign(query.data, query.data + query.length);
  if (prepareVectors(request.query.data(), count, spec.dim, spec.metric == Metric::Cosine) >= 0)
    reader.fail("query", "finite numbers");
}

namespace {

Combination::Combine readCombine(Reader& reader, napi_value value) {
  using Combine = Combination::Combine;
  static constexpr std::pair<const char*, Combine> kNames[] = {
      {"bestScore", Combine::BestScore}, {"sumScores", Combine::SumScores},
      {"discover", Combine::Discover},   {"context", Combine::Context},
      {"feedback", Combine::Feedback},
  };
  const std::string text = reader.text(value, "examples.combine", kMostNameBytes);
  for (const auto& [name, combine] : kNames)
    if (text == name) return combine;
  reader.fail("examples.combine", "the name of a score");
  return Combine::BestScore;
}

void readCombination(Reader& reader, napi_value value, Combination& combination) {
  combination.combine = readCombine(reader, reader.property(value, "combine"));
  combination.positives = static_cast<uint32_t>(
      reader.integer(reader.property(value, "positives"), "examples.positives", 0, kMostExamples));
  const auto weights = reader.typed<float>(reader.property(value, "weights"), "examples.weights");
  if (!reader.failed()) combination.weights.assign(weights.data, weights.data + weights.length);
}

void checkWhole(Reader& reader, bool isWhole, const Combination& combination) {
  if (!isWhole || combination.count > kMostExamples || !combination.isWellFormed())
    reader.fail("examples", "as many vectors and weights as the score is made of");
}

// Reads how many vectors each multivector has; false if they do not add up to all vectors.
bool takeCounts(const Span<uint32_t>& counts, size_t vectors, Examples& examples) {
  examples.counts.assign(counts.data, counts.data + counts.length);
  examples.count = static_cast<uint32_t>(counts.length);
  uint64_t sum = 0;
  for (const uint32_t count : examples.counts) {
    if (count == 0) return false;
    sum += count;
  }
  return counts.length <= kMostExamples && sum == vectors;
}

void readExamples(Reader& reader, napi_value value, const VectorSpec& spec,
                  SearchRequest& request) {
  Examples examples;
  readCombination(reader, value, examples);
  const auto vectors = reader.typed<float>(reader.property(value, "vectors"), "examples.vectors");
  const auto counts =
      reader.typedOrNull<uint32_t>(reader.property(value, "counts"), "examples.counts");
  if (reader.failed()) return;
  const size_t count = vectors.length / spec.dim;
  bool isWhole = vectors.length % spec.dim == 0 && counts.present() == spec.isMulti;
  if (spec.isMulti)
    isWhole = isWhole && takeCounts(counts, count, examples);
  else
    examples.count = static_cast<uint32_t>(std::min<size_t>(count, UINT32_MAX));
  checkWhole(reader, isWhole, examples);
  if (reader.failed()) return;
  examples.vectors.assign(vectors.data, vectors.data + vectors.length);
  if (prepareVectors(examples.vectors.data(), count, spec.dim, spec.metric == Metric::Cosine) >= 0)
    reader.fail("examples.vectors", "finite numbers");
  request.examples = std::move(examples);
}

bool isSoundSparse(const uint32_t* indices, const float* values, size_t count) {
  for (size_t at = 0; at < count; at++)
    if (!std::isfinite(values[at]) || (at > 0 && indices[at] <= indices[at - 1])) return false;
  return true;
}

void readSparseExamples(Reader& reader, napi_value value, SparseRequest& request) {
  SparseExamples examples;
  readCombination(reader, value, examples);
  const auto offsets =
      reader.typed<uint32_t>(reader.property(value, "offsets"), "examples.offsets");
  const auto indices =
      reader.typed<uint32_t>(reader.property(value, "indices"), "examples.indices");
  const auto values = reader.typed<float>(reader.property(value, "values"), "examples.values");
  if (reader.failed()) return;
  bool isWhole = offsets.length > 0 && offsets.length <= kMostExamples + 1 &&
                 indices.length == values.length && indices.length <= kMostExampleEntries &&
                 offsets.data[0] == 0 && offsets.data[offsets.length - 1] == indices.length;
  for (size_t at = 1; isWhole && at < offsets.length; at++) {
    const uint32_t from = offsets.data[at - 1];
    const uint32_t to = offsets.data[at];
    isWhole = from <= to && to <= indices.length &&
              isSoundSparse(indices.data + from, values.data + from, to - from);
  }
  examples.count = static_cast<uint32_t>(std::max<size_t>(1, offsets.length) - 1);
  checkWhole(reader, isWhole, examples);
  if (reader.failed()) return;
  examples.offsets.assign(offsets.data, offsets.data + offsets.length);
  examples.indices.assign(indices.data, indices.data + indices.length);
  examples.values.assign(values.data, values.data + values.length);
  request.examples = std::move(examples);
}

void readCodeUse(Reader& reader, napi_value codes, SearchRequest& request) {
  if (reader.isAbsent(codes)) return;
  request.ignoresCodes = reader.boolean(reader.property(codes, "ignore"), "codes.ignore");
  request.rescores = reader.boolean(reader.property(codes, "rescore"), "codes.rescore");
  request.oversampling = static_cast<float>(reader.number(
      reader.property(codes, "oversampling"), "codes.oversampling", 0, kMostOversampling));
}

// The tokens of the text, each counting the same.
void readText(Reader& reader, napi_value textValue, napi_value optionsValue,
              SparseRequest& request) {
  request.text = reader.text(textValue, "text", kMostQueryTextBytes);
  const auto options = reader.typed<uint8_t>(optionsValue, "textOptions");
  if (reader.failed()) return;
  request.analyzer = analyzerOf(options.data, options.length);
  if (!request.analyzer) reader.fail("textOptions", "encoded text options");
}

// A sparse vector.
void readEntries(Reader& reader, napi_value indicesValue, napi_value valuesValue,
                 SparseRequest& request) {
  const auto indices = reader.typed<uint32_t>(indicesValue, "indices");
  const auto values = reader.typed<float>(valuesValue, "values");
  if (reader.failed()) return;
  if (indices.length != values.length || indices.length > kMostQueryEntries ||
      !isSoundSparse(indices.data, values.data, indices.length)) {
    reader.fail("query", "ascending indices and as many finite values");
    return;
  }
  request.indices.assign(indices.data, indices.data + indices.length);
  request.values.assign(values.data, values.data + values.length);
}

void readSparseQuery(Reader& reader, napi_value value, SparseRequest& request) {
  const napi_value text = reader.property(value, "text");
  if (reader.isAbsent(text))
    readEntries(reader, reader.property(value, "indices"), reader.property(value, "values"),
                request);
  else
    readText(reader, text, reader.property(value, "textOptions"), request);
}

} // namespace

void readSearch(Reader& reader, napi_value value, const ShardSpec& spec, Asked asked,
                SearchRequest& request) {
  request.vector = readUint32(reader, value, "vector", kMostVectors);
  if (!reader.failed() && request.vector >= spec.vectors.size())
    reader.fail("vector", "one of the shard's");
  if (reader.failed()) return;
  const VectorSpec& vector = spec.vectors[request.vector];
  napi_value examples = reader.property(value, "examples");
  if (reader.isAbsent(examples))
    readQuery(reader, reader.property(value, "query"), vector, request);
  else
    readExamples(reader, examples, vector, request);
  readRanked(reader, value, spec, asked, request);
  request.ef = readUint32(reader, value, "ef", kMostEf);
  request.recall =
      static_cast<float>(reader.number(reader.property(value, "recall"), "recall", 0, 1));
  request.isExact = reader.boolean(reader.property(value, "exact"), "exact");
  readCodeUse(reader, reader.property(value, "codes"), request);
  request.isIndexedOnly = reader.boolean(reader.property(value, "indexedOnly"), "indexedOnly");
}

void readSparseSearch(Reader& reader, napi_value value, const ShardSpec& spec, Asked asked,
                      SparseRequest& request) {
  const uint32_t vector = readUint32(reader, value, "vector", kMostVectors * 2);
  if (!reader.failed() && (vector < spec.vectors.size() || vector >= spec.vectorCount()))
    reader.fail("vector", "one of the shard's sparse vectors");
  if (reader.failed()) return;
  request.vector = vector - static_cast<uint32_t>(spec.vectors.size());
  napi_value examples = reader.property(value, "examples");
  if (reader.isAbsent(examples))
    readSparseQuery(reader, value, request);
  else
    readSparseExamples(reader, examples, request);
  readRanked(reader, value, spec, asked, request);
  request.hasIdf = reader.boolean(reader.property(value, "idf"), "idf");
  const auto corpus = reader.typedOrNull<uint8_t>(reader.property(value, "corpus"), "corpus");
  if (corpus.present())
    request.corpus = std::vector<uint8_t>(corpus.data, corpus.data + corpus.length);
}

void readFusedSearch(Reader& reader, napi_value value, const ShardSpec& spec, FusedSearch& search) {
  napi_value list = reader.property(value, "parts");
  const uint32_t count = reader.arrayLength(list, "parts", kMostFused);
  if (count == 0) reader.fail("parts", "at least one search");
  search.parts.reserve(count);
  for (uint32_t at = 0; at < count && !reader.failed(); at++) {
    napi_value part = reader.element(list, at);
    bool isSparse = false;
    napi_has_named_property(reader.env(), part, "idf", &isSparse);
    AnySearch& any = search.parts.emplace_back();
    if (isSparse)
      readSparseSearch(reader, part, spec, Asked::InFusion, any.emplace<SparseSearch>().request);
    else
      readSearch(reader, part, spec, Asked::InFusion, std::get<DenseSearch>(any).request);
  }
  if (reader.failed()) return;
  FusionRequest& request = search.request;
  request.isByScores = reader.boolean(reader.property(value, "byScores"), "byScores");
  request.k = reader.number(reader.property(value, "k"), "k", 0, UINT32_MAX);
  const auto weights = reader.typedOrNull<double>(reader.property(value, "weights"), "weights");
  if (weights.present() && weights.length != count) reader.fail("weights", "one for each search");
  if (weights.present()) request.weights.assign(weights.data, weights.data + weights.length);
  request.limit = readLimit(reader, value);
  request.offset = readUint32(reader, value, "offset", kMostResults);
  napi_value threshold = reader.property(value, "scoreThreshold");
  if (!reader.isAbsent(threshold))
    request.threshold = reader.number(threshold, "scoreThreshold", -INFINITY, INFINITY);
  request.fields = readFields(reader, reader.property(value, "fields"), spec);
}

} // namespace vicinal::binding
