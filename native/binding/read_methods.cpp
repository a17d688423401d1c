// Searches and reads. What they are asked for is copied, so nothing of it is pinned.
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "binding/bounds.hpp"
#include "binding/columns_input.hpp"
#include "binding/methods.hpp"
#include "binding/read_input.hpp"
#include "binding/results.hpp"
#include "binding/search_result.hpp"
#include "binding/shard_handle.hpp"
#include "distance/prepare.hpp"
#include "search/scroll.hpp"
#include "search/search.hpp"

namespace vicinal::binding {

namespace {

void readQuery(Reader& reader, napi_value value, const ShardSpec& spec, SearchRequest& request) {
  const auto query = reader.typed<float>(reader.property(value, "query"), "query");
  if (reader.failed()) return;
  const VectorSpec* const vector =
      request.vector < spec.vectors.size() ? &spec.vectors[request.vector] : nullptr;
  const size_t count = vector != nullptr ? query.length / vector->dim : 0;
  if (count == 0 || query.length % vector->dim != 0 || (count > 1 && !vector->isMulti)) {
    reader.fail("query", "as many floats as the vector has dimensions");
    return;
  }
  request.query.assign(query.data, query.data + query.length);
  if (prepareVectors(request.query.data(), count, vector->dim, vector->metric == Metric::Cosine) >=
      0)
    reader.fail("query", "finite numbers");
}

Examples::Combine readCombine(Reader& reader, napi_value value) {
  static constexpr std::pair<const char*, Examples::Combine> kNames[] = {
      {"bestScore", Examples::Combine::BestScore}, {"sumScores", Examples::Combine::SumScores},
      {"discover", Examples::Combine::Discover},   {"context", Examples::Combine::Context},
      {"feedback", Examples::Combine::Feedback},
  };
  const std::string text = reader.text(value, "examples.combine", kMostNameBytes);
  for (const auto& [name, combine] : kNames)
    if (text == name) return combine;
  reader.fail("examples.combine", "the name of a score");
  return Examples::Combine::BestScore;
}

void readExamples(Reader& reader, napi_value value, const VectorSpec& spec,
                  SearchRequest& request) {
  Examples examples;
  examples.combine = readCombine(reader, reader.property(value, "combine"));
  const auto vectors = reader.typed<float>(reader.property(value, "vectors"), "examples.vectors");
  examples.positives = static_cast<uint32_t>(
      reader.integer(reader.property(value, "positives"), "examples.positives", 0, kMostExamples));
  const auto weights = reader.typed<float>(reader.property(value, "weights"), "examples.weights");
  if (reader.failed()) return;
  examples.count = static_cast<uint32_t>(vectors.length / spec.dim);
  examples.vectors.assign(vectors.data, vectors.data + vectors.length);
  examples.weights.assign(weights.data, weights.data + weights.length);
  if (spec.isMulti) {
    reader.fail("examples", "a vector that is no multivector");
    return;
  }
  const bool isWhole = vectors.length % spec.dim == 0 && vectors.length / spec.dim <= kMostExamples;
  if (!isWhole || !examples.isWellFormed()) {
    reader.fail("examples", "as many vectors and weights as the score is made of");
    return;
  }
  if (prepareVectors(examples.vectors.data(), examples.count, spec.dim,
                     spec.metric == Metric::Cosine) >= 0)
    reader.fail("examples.vectors", "finite numbers");
  request.examples = std::move(examples);
}

void readSearch(Reader& reader, napi_value value, const ShardSpec& spec, SearchRequest& request) {
  const auto integer = [&](const char* name, uint64_t most) {
    return static_cast<uint32_t>(reader.integer(reader.property(value, name), name, 0, most));
  };
  request.vector = integer("vector", kMostVectors);
  napi_value examples = reader.property(value, "examples");
  if (reader.isAbsent(examples))
    readQuery(reader, value, spec, request);
  else if (request.vector < spec.vectors.size())
    readExamples(reader, examples, spec.vectors[request.vector], request);
  else
    reader.fail("vector", "one of the shard's");
  request.limit = integer("limit", kMostResults);
  request.offset = integer("offset", kMostResults);
  request.ef = integer("ef", kMostEf);
  request.recall =
      static_cast<float>(reader.number(reader.property(value, "recall"), "recall", 0, 1));
  request.isExact = reader.boolean(reader.property(value, "exact"), "exact");
  napi_value codes = reader.property(value, "codes");
  if (!reader.isAbsent(codes)) {
    request.ignoresCodes = reader.boolean(reader.property(codes, "ignore"), "codes.ignore");
    request.rescores = reader.boolean(reader.property(codes, "rescore"), "codes.rescore");
    request.oversampling = static_cast<float>(reader.number(
        reader.property(codes, "oversampling"), "codes.oversampling", 0, kMostOversampling));
  }
  request.isIndexedOnly = reader.boolean(reader.property(value, "indexedOnly"), "indexedOnly");
  napi_value threshold = reader.property(value, "scoreThreshold");
  request.hasThreshold = !reader.isAbsent(threshold);
  if (request.hasThreshold)
    request.threshold =
        static_cast<float>(reader.number(threshold, "scoreThreshold", -INFINITY, INFINITY));
  request.filter = readFilter(reader, reader.property(value, "filter"));
  napi_value exclude = reader.property(value, "exclude");
  if (!reader.isAbsent(exclude))
    request.exclude = readPointIds(reader, exclude, "exclude", kMostExcluded);
  request.fields = readFields(reader, reader.property(value, "fields"), spec);
  napi_value explain = reader.property(value, "explain");
  if (!reader.isAbsent(explain)) request.explains = reader.boolean(explain, "explain");
}

struct SearchState {
  SearchRequest request;
  SearchResult result;
};

// Searches, and notes how long it took.
Status timedSearch(Shard& shard, SearchState& state, const CancelFlag* cancel, Waiting waiting) {
  RecallMeter& meter = shard.meter(state.request.vector);
  state.request.lossShare = meter.lossShare();
  const auto started = CancelFlag::Clock::now();
  const Snapshot snapshot = shard.snapshot();
  Status status =
      search(snapshot, shard.spec().vectors, state.request, cancel, state.result, waiting);
  const std::chrono::duration<double, std::nano> took = CancelFlag::Clock::now() - started;
  const SearchRequest& request = state.request;
  const double distances = estimateDistances(snapshot, request);
  if (request.filter && !request.examples)
    shard.filteredPace(request.vector).learn(request.filter, took.count());
  else if (std::isfinite(distances))
    shard.pace(request.vector).learn(distances, took.count());
  // A search that is given up here is done on the pool, and would count twice.
  const bool isOfOneVector = !request.examples && !shard.spec().vectors[request.vector].isMulti;
  if (status.isOk() && isOfOneVector) meter.note(state.request);
  state.result.stats.tookUs = took.count() / 1000;
  return status;
}

double expectedNs(Shard& shard, const SearchRequest& request) {
  if (request.filter && request.examples) return INFINITY;
  if (request.filter) return shard.filteredPace(request.vector).nanoseconds(request.filter);
  const double distances = estimateDistances(shard.snapshot(), request);
  return shard.pace(request.vector).nanoseconds(distances);
}

// Searches here and now where that is cheaper than a hop to the pool and back: where nothing else
// is under way that could run beside it, and where it is expected to end within `mostUs`. A wrong
// guess is given up at that time. True when it has been done.
bool searchedInline(Environment& environment, Shard& shard, SearchState& state, double mostUs,
                    Status& status) {
  if (mostUs <= 0 || !environment.isIdle()) return false;
  if (!(expectedNs(shard, state.request) < mostUs * 1000)) return false;
  const CancelFlag deadline(CancelFlag::Clock::now() +
                            std::chrono::nanoseconds(static_cast<int64_t>(mostUs * 1000)));
  status = timedSearch(shard, state, &deadline, Waiting::Refused);
  if (status.code() != Code::Cancelled) return true;
  state.result = {};
  return false;
}

napi_value searchMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto state = std::make_shared<SearchState>();
  readSearch(arguments, arguments[1], handle->shard()->spec(), state->request);
  const uint64_t cancelNumber = readCancel(arguments, arguments.property(arguments[1], "cancel"));
  const double inlineUs =
      arguments.number(arguments.property(arguments[1], "inlineUs"), "inlineUs", 0, kMostInlineUs);
  if (arguments.failed()) return nullptr;
  Status status;
  if (searchedInline(*Environment::of(env), *handle->shard(), *state, inlineUs, status)) {
    if (status.isOk()) return searchResult(env, state->result);
    throwError(env, codeName(status.code()), status.message());
    return nullptr;
  }
  Call call;
  call.cancel = std::make_shared<CancelFlag>();
  call.work = [shard = handle->shard(), state, cancel = call.cancel.get()] {
    return timedSearch(*shard, *state, cancel, Waiting::Allowed);
  };
  call.result = [state](napi_env live) { return searchResult(live, state->result); };
  return runOnShard(handle, env, Lane::Search, std::move(call), cancelNumber);
}

napi_value retrieve(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  struct State {
    std::vector<PointId> ids;
    RowFields fields;
    RowBlock rows;
    Buffer<uint32_t> positions;
  };
  auto state = std::make_shared<State>();
  state->ids = readPointIds(arguments, arguments[1], "ids", kMostBatchRows);
  state->fields = readFields(arguments, arguments[2], handle->shard()->spec());
  if (arguments.failed()) return nullptr;
  Call call;
  call.work = [shard = handle->shard(), state] {
    std::vector<RowRef> rows;
    const Snapshot snapshot = shard->locate(state->ids, rows);
    std::vector<RowRef> present;
    for (uint32_t at = 0; at < rows.size(); at++) {
      if (!rows[at].found()) continue;
      present.push_back(rows[at]);
      if (!state->positions.push(at))
        return Status(Code::Overloaded, "out of memory while reading points");
    }
    std::shared_lock overlays(*snapshot.overlays);
    return readRows(present.data(), present.size(), state->fields, shard->spec().vectors,
                    state->rows);
  };
  call.result = [state](napi_env live) {
    ResultObject object(live);
    addRowBlock(live, object, state->rows);
    object.array("positions", state->positions);
    return object.finish();
  };
  return runOnShard(handle, env, Lane::Search, std::move(call));
}

napi_value scrollMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  struct State {
    ScrollRequest request;
    ScrollResult result;
  };
  auto state = std::make_shared<State>();
  napi_value from = arguments.property(arguments[1], "from");
  if (!arguments.isAbsent(from)) {
    const auto ids = readPointIds(arguments, from, "from", 1);
    if (!arguments.failed() && ids.size() != 1) arguments.fail("from", "one id");
    if (!arguments.failed()) state->request.from = ids[0];
  }
  state->request.limit = static_cast<uint32_t>(
      arguments.integer(arguments.property(arguments[1], "limit"), "limit", 0, kMostResults));
  state->request.filter = readFilter(arguments, arguments.property(arguments[1], "filter"));
  state->request.fields =
      readFields(arguments, arguments.property(arguments[1], "fields"), handle->shard()->spec());
  const uint64_t cancelNumber = readCancel(arguments, arguments.property(arguments[1], "cancel"));
  if (arguments.failed()) return nullptr;
  Call call;
  call.cancel = std::make_shared<CancelFlag>();
  call.work = [shard = handle->shard(), state, cancel = call.cancel.get()] {
    return scroll(shard->snapshot(), shard->spec().vectors, state->request, cancel, state->result);
  };
  call.result = [state](napi_env live) {
    ResultObject object(live);
    addRowBlock(live, object, state->result.rows);
    Buffer<uint32_t> next;
    if (state->result.next && next.resize(kIdWords)) {
      encodePointId(*state->result.next, next.data());
      object.array("next", next);
    } else {
      object.null("next");
    }
    return object.finish();
  };
  return runOnShard(handle, env, Lane::Search, std::move(call), cancelNumber);
}

napi_value countMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto filter = readFilter(arguments, arguments[1]);
  const uint64_t cancelNumber = readCancel(arguments, arguments[2]);
  if (arguments.failed()) return nullptr;
  auto counted = std::make_shared<uint64_t>(0);
  Call call;
  call.cancel = std::make_shared<CancelFlag>();
  call.work = [shard = handle->shard(), filter = std::move(filter), counted,
               cancel = call.cancel.get()] {
    auto result = count(shard->snapshot(), shard->spec().vectorCount(), filter, cancel);
    if (!result) return result.status();
    *counted = *result;
    return Status::ok();
  };
  call.result = [counted](napi_env live) {
    napi_value value = nullptr;
    napi_create_double(live, static_cast<double>(*counted), &value);
    return value;
  };
  return runOnShard(handle, env, Lane::Search, std::move(call), cancelNumber);
}

napi_value selectIdsMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto filter = readFilter(arguments, arguments[1]);
  if (arguments.failed()) return nullptr;
  auto ids = std::make_shared<Buffer<uint32_t>>();
  Call call;
  call.work = [shard = handle->shard(), filter = std::move(filter), ids] {
    return selectIds(shard->snapshot(), shard->spec().vectorCount(), filter, *ids);
  };
  call.result = [ids](napi_env live) { return makeTyped(live, *ids); };
  return runOnShard(handle, env, Lane::Search, std::move(call));
}

napi_value cancelMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const uint64_t number = readCancel(arguments, arguments[1]);
  if (!arguments.failed()) handle->cancel(number);
  return nullptr;
}

} // namespace

void defineReadMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"search", searchMethod}, {"retrieve", retrieve},         {"scroll", scrollMethod},
      {"count", countMethod},   {"selectIds", selectIdsMethod}, {"cancel", cancelMethod},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
