// Arithmetic of reports about a collection. It runs on the threads that build graphs, whose
// priority is low.
#include <cmath>

#include "binding/bounds.hpp"
#include "binding/methods.hpp"
#include "binding/read_input.hpp"
#include "binding/results.hpp"
#include "binding/shard_handle.hpp"
#include "distance/pairwise.hpp"
#include "search/nearest_lists.hpp"

namespace vicinal::binding {

namespace {

// One call has few queries, so that it ends soon: graph building waits for it.
constexpr uint32_t kMostListed = 1 << 12;
constexpr uint32_t kMostListLength = 1 << 12;
constexpr size_t kMostPairwise = 1 << 14;
constexpr size_t kMostSplits = 1 << 10;

void readLists(Arguments& arguments, const ShardSpec& spec, NearestListsRequest& request) {
  napi_value given = arguments[1];
  request.vector = readUint32(arguments, given, "vector", kMostVectors);
  if (!arguments.failed() &&
      (request.vector >= spec.vectors.size() || spec.vectors[request.vector].isMulti))
    arguments.fail("vector", "one of the shard's with one row a point");
  const auto queries = arguments.typed<float>(arguments.property(given, "queries"), "queries");
  request.limit = readUint32(arguments, given, "limit", kMostListLength);
  request.recall = float(arguments.number(arguments.property(given, "recall"), "recall", 0, 1));
  request.filter = readFilter(arguments, arguments.property(given, "filter"));
  if (arguments.failed()) return;
  const size_t dim = spec.vectors[request.vector].dim;
  if (queries.length % dim != 0 || queries.length / dim > kMostListed)
    return arguments.fail("queries", "at most 4096 vectors of the vector's dimension");
  request.queries.assign(queries.data, queries.data + queries.length);
}

napi_value nearestListsMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  struct State {
    NearestListsRequest request;
    NearestLists lists;
  };
  auto state = std::make_shared<State>();
  readLists(arguments, handle->shard()->spec(), state->request);
  const uint64_t cancelNumber = readCancel(arguments, arguments[2]);
  if (arguments.failed()) return nullptr;
  const auto work = [state](Shard& shard, const CancelFlag* cancel) {
    return nearestLists(shard.snapshot(), shard.spec().vectors, state->request, cancel,
                        state->lists);
  };
  const auto result = [state](napi_env live) {
    ResultObject object(live);
    object.array("ids", state->lists.ids);
    object.array("scores", state->lists.scores);
    object.array("counts", state->lists.counts);
    return object.finish();
  };
  return runOnShard(handle, env, Lane::Build, readCall(handle, work, result), cancelNumber);
}

// squaredDistances(vectors, dim)
napi_value squaredDistancesMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto vectors = arguments.typed<float>(arguments[0], "vectors");
  const size_t dim = arguments.integer(arguments[1], "dim", 1, kMostDimensions);
  if (arguments.failed()) return nullptr;
  const size_t count = vectors.length / dim;
  if (vectors.length % dim != 0 || count > kMostPairwise) {
    arguments.fail("vectors", "at most 16384 vectors of `dim` floats");
    return nullptr;
  }
  auto distances = std::make_shared<Buffer<float>>();
  Call call;
  call.pins = {vectors.value};
  call.cancel = std::make_shared<CancelFlag>();
  call.work = [vectors, dim, count, distances, cancel = call.cancel.get()] {
    return squaredDistances(vectors.data, count, dim, cancel, *distances);
  };
  call.result = [distances](napi_env live) {
    ResultObject object(live);
    object.array("distances", *distances);
    return object.finish();
  };
  return Environment::of(env)->run(Lane::Build, std::move(call));
}

// sumsWithin(distances, labels)
napi_value sumsWithinMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto distances = arguments.typed<float>(arguments[0], "distances");
  const auto labels = arguments.typed<uint8_t>(arguments[1], "labels");
  if (arguments.failed()) return nullptr;
  const auto count = size_t(std::llround(std::sqrt(double(distances.length))));
  if (count == 0 || count * count != distances.length || count > kMostPairwise)
    arguments.fail("distances", "a square of at most 16384 rows");
  else if (labels.length % count != 0 || labels.length / count > kMostSplits)
    arguments.fail("labels", "one for each row, of at most 1024 splits");
  if (arguments.failed()) return nullptr;
  auto sums = std::make_shared<Buffer<double>>();
  Call call;
  call.pins = {distances.value, labels.value};
  call.cancel = std::make_shared<CancelFlag>();
  call.work = [distances, labels, count, sums, cancel = call.cancel.get()] {
    return sumsWithin(distances.data, count, labels.data, labels.length / count, cancel, *sums);
  };
  call.result = [sums](napi_env live) {
    ResultObject object(live);
    object.array("sums", *sums);
    return object.finish();
  };
  return Environment::of(env)->run(Lane::Build, std::move(call));
}

} // namespace

void defineQualityMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"nearestLists", nearestListsMethod},
      {"squaredDistances", squaredDistancesMethod},
      {"sumsWithin", sumsWithinMethod},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
