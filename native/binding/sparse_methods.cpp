// Search by a sparse vector.
#include <chrono>
#include <cmath>

#include "binding/bounds.hpp"
#include "binding/columns_input.hpp"
#include "binding/methods.hpp"
#include "binding/read_input.hpp"
#include "binding/search_result.hpp"
#include "binding/shard_handle.hpp"
#include "search/sparse_search.hpp"

namespace vicinal::binding {

namespace {

void readQuery(Reader& reader, napi_value value, SparseRequest& request) {
  const auto indices = reader.typed<uint32_t>(reader.property(value, "indices"), "indices");
  const auto values = reader.typed<float>(reader.property(value, "values"), "values");
  if (reader.failed()) return;
  bool isSound = indices.length == values.length && indices.length <= kMostQueryEntries;
  for (size_t at = 0; isSound && at < indices.length; at++)
    isSound =
        std::isfinite(values.data[at]) && (at == 0 || indices.data[at] > indices.data[at - 1]);
  if (!isSound) {
    reader.fail("query", "ascending indices and as many finite values");
    return;
  }
  request.indices.assign(indices.data, indices.data + indices.length);
  request.values.assign(values.data, values.data + values.length);
}

void readRequest(Reader& reader, napi_value value, const ShardSpec& spec, SparseRequest& request) {
  const auto integer = [&](const char* name, uint64_t most) {
    return static_cast<uint32_t>(reader.integer(reader.property(value, name), name, 0, most));
  };
  const uint32_t vector = integer("vector", kMostVectors * 2);
  if (!reader.failed() && (vector < spec.vectors.size() || vector >= spec.vectorCount()))
    reader.fail("vector", "one of the shard's sparse vectors");
  request.vector = vector - static_cast<uint32_t>(spec.vectors.size());
  readQuery(reader, value, request);
  request.hasIdf = reader.boolean(reader.property(value, "idf"), "idf");
  request.limit = integer("limit", kMostResults);
  request.offset = integer("offset", kMostResults);
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

struct State {
  SparseRequest request;
  SearchResult result;
  // Of the vector among all.
  uint32_t vector = 0;
};

Status timedSearch(Shard& shard, State& state, const CancelFlag* cancel, Waiting waiting) {
  const auto started = CancelFlag::Clock::now();
  const Snapshot snapshot = shard.snapshot();
  const SparseRequest& request = state.request;
  const double postings = request.filter ? 0 : estimatePostings(snapshot, request);
  const Status status =
      searchSparse(snapshot, shard.spec().vectors, request, cancel, state.result, waiting);
  const std::chrono::duration<double, std::nano> took = CancelFlag::Clock::now() - started;
  if (request.filter)
    shard.filteredPace(state.vector).learn(request.filter, took.count());
  else if (std::isfinite(postings))
    shard.sparsePace(state.vector).learn(postings, took.count());
  state.result.stats.tookUs = took.count() / 1000;
  return status;
}

// The rules are those of a search by a dense vector (read_methods.cpp).
bool searchedInline(Environment& environment, Shard& shard, State& state, double mostUs,
                    Status& status) {
  if (mostUs <= 0 || !environment.isIdle()) return false;
  const SparseRequest& request = state.request;
  const double expectedNs =
      request.filter
          ? shard.filteredPace(state.vector).nanoseconds(request.filter)
          : shard.sparsePace(state.vector).nanoseconds(estimatePostings(shard.snapshot(), request));
  if (!(expectedNs < mostUs * 1000)) return false;
  const CancelFlag deadline(CancelFlag::Clock::now() +
                            std::chrono::nanoseconds(static_cast<int64_t>(mostUs * 1000)));
  status = timedSearch(shard, state, &deadline, Waiting::Refused);
  if (status.code() != Code::Cancelled) return true;
  state.result = {};
  return false;
}

napi_value searchSparseMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto state = std::make_shared<State>();
  const ShardSpec& spec = handle->shard()->spec();
  readRequest(arguments, arguments[1], spec, state->request);
  state->vector = state->request.vector + static_cast<uint32_t>(spec.vectors.size());
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

} // namespace

void defineSparseMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {{"searchSparse", searchSparseMethod}};
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
