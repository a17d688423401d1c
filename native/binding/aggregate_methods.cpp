// Reads that look at many rows for a small answer: facets, orders, samples and estimates.
#include <cmath>

#include "binding/bounds.hpp"
#include "binding/methods.hpp"
#include "binding/read_input.hpp"
#include "binding/results.hpp"
#include "binding/shard_handle.hpp"
#include "search/facet.hpp"
#include "search/index_points.hpp"
#include "search/order_by.hpp"
#include "search/sample.hpp"

namespace vicinal::binding {

namespace {

const char* nameOf(PayloadIndexKind kind) {
  switch (kind) {
  case PayloadIndexKind::Keyword: return "keyword";
  case PayloadIndexKind::Integer: return "integer";
  case PayloadIndexKind::Float: return "float";
  case PayloadIndexKind::Bool: return "bool";
  case PayloadIndexKind::DateTime: return "datetime";
  case PayloadIndexKind::Uuid: return "uuid";
  case PayloadIndexKind::Geo: return "geo";
  case PayloadIndexKind::Text: return "text";
  }
  return "";
}

napi_value facetResult(napi_env env, FacetResult& result) {
  ResultObject object(env);
  object.array("counts", result.counts);
  object.text("kind", nameOf(result.kind));
  if (result.integers.empty()) {
    napi_value texts = object.object("texts");
    object.array("bytes", result.texts, texts);
    object.array("offsets", result.offsets, texts);
    object.null("integers");
  } else {
    object.null("texts");
    object.array("integers", result.integers);
  }
  return object.finish();
}

napi_value facetMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  struct State {
    FacetRequest request;
    FacetResult result;
  };
  auto state = std::make_shared<State>();
  napi_value request = arguments[1];
  state->request.field =
      arguments.text(arguments.property(request, "field"), "field", kMostPathBytes);
  state->request.limit = readLimit(arguments, request);
  state->request.filter = readFilter(arguments, arguments.property(request, "filter"));
  const uint64_t cancelNumber = readCancel(arguments, arguments.property(request, "cancel"));
  if (arguments.failed()) return nullptr;
  const auto work = [state](Shard& shard, const CancelFlag* cancel) {
    return facet(shard.snapshot(), shard.spec().vectorCount(), state->request, cancel,
                 state->result);
  };
  return readOnShard(handle, env, cancelNumber, work,
                     [state](napi_env live) { return facetResult(live, state->result); });
}

void readStart(Reader& reader, napi_value value, OrderRequest& request) {
  if (reader.isAbsent(value)) return;
  napi_valuetype type = napi_undefined;
  napi_typeof(reader.env(), value, &type);
  if (type != napi_bigint) {
    request.from = reader.number(value, "from", -INFINITY, INFINITY);
    return;
  }
  int64_t integer = 0;
  bool isLossless = false;
  napi_get_value_bigint_int64(reader.env(), value, &integer, &isLossless);
  if (!isLossless) reader.fail("from", "an integer of 64 bits");
  request.from = integer;
}

napi_value orderByMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  struct State {
    OrderRequest request;
    OrderResult result;
  };
  auto state = std::make_shared<State>();
  napi_value request = arguments[1];
  state->request.field =
      arguments.text(arguments.property(request, "field"), "field", kMostPathBytes);
  state->request.isDescending =
      arguments.boolean(arguments.property(request, "descending"), "descending");
  readStart(arguments, arguments.property(request, "from"), state->request);
  readRowsAsked(arguments, request, handle->shard()->spec(), state->request);
  const uint64_t cancelNumber = readCancel(arguments, arguments.property(request, "cancel"));
  if (arguments.failed()) return nullptr;
  const auto work = [state](Shard& shard, const CancelFlag* cancel) {
    return orderBy(shard.snapshot(), shard.spec().vectors, state->request, cancel, state->result);
  };
  const auto result = [state](napi_env live) {
    ResultObject object(live);
    addRowBlock(live, object, state->result.rows);
    if (state->result.isOfNumbers)
      object.array("values", state->result.numbers);
    else
      object.array("values", state->result.integers);
    return object.finish();
  };
  return readOnShard(handle, env, cancelNumber, work, result);
}

napi_value sampleMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  struct State {
    SampleRequest request;
    RowBlock rows;
  };
  auto state = std::make_shared<State>();
  napi_value request = arguments[1];
  state->request.seed =
      arguments.integer(arguments.property(request, "seed"), "seed", 0, kMostSafeInteger);
  readRowsAsked(arguments, request, handle->shard()->spec(), state->request);
  const napi_value after = arguments.property(request, "afterSeq");
  if (!arguments.isAbsent(after))
    state->request.afterSeq = arguments.integer(after, "afterSeq", 0, kMostSafeInteger);
  const napi_value through = arguments.property(request, "throughSeq");
  if (!arguments.isAbsent(through))
    state->request.throughSeq = arguments.integer(through, "throughSeq", 0, kMostSafeInteger);
  const uint64_t cancelNumber = readCancel(arguments, arguments.property(request, "cancel"));
  if (arguments.failed()) return nullptr;
  const auto work = [state](Shard& shard, const CancelFlag* cancel) {
    return sample(shard.snapshot(), shard.spec().vectors, state->request, cancel, state->rows);
  };
  const auto result = [state](napi_env live) {
    ResultObject object(live);
    addRowBlock(live, object, state->rows);
    return object.finish();
  };
  return readOnShard(handle, env, cancelNumber, work, result);
}

napi_value estimateCountMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto state = std::make_shared<CountState>();
  state->filter = readFilter(arguments, arguments[1]);
  const uint64_t cancelNumber = readCancel(arguments, arguments[2]);
  if (arguments.failed()) return nullptr;
  const auto work = [state](Shard& shard, const CancelFlag* cancel) {
    return state->take(
        estimateCount(shard.snapshot(), shard.spec().vectorCount(), state->filter, cancel));
  };
  return readOnShard(handle, env, cancelNumber, work,
                     [state](napi_env live) { return makeNumber(live, double(state->count)); });
}

napi_value indexPointsMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto points = std::make_shared<std::vector<IndexPoints>>();
  Call call;
  call.work = [shard = handle->shard(), points] {
    *points = indexPoints(shard->snapshot());
    return Status::ok();
  };
  call.result = [points](napi_env live) {
    napi_value list = makeArray(live, points->size());
    for (uint32_t at = 0; at < points->size(); at++) {
      ResultObject entry(live);
      entry.text("field", (*points)[at].field);
      entry.number("points", static_cast<double>((*points)[at].points));
      napi_set_element(live, list, at, entry.finish());
    }
    return list;
  };
  return runOnShard(handle, env, Lane::Search, std::move(call));
}

} // namespace

void defineAggregateMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"facet", facetMethod},
      {"orderBy", orderByMethod},
      {"sample", sampleMethod},
      {"estimateCount", estimateCountMethod},
      {"indexPoints", indexPointsMethod},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
