// Statistics, graph building, compaction.
#include <algorithm>

#include "binding/bounds.hpp"
#include "binding/methods.hpp"
#include "binding/results.hpp"
#include "binding/shard_handle.hpp"

namespace vicinal::binding {

namespace {

napi_value vectorStats(napi_env env, const ShardStats& stats) {
  napi_value list = makeArray(env, stats.vectors.size());
  for (uint32_t at = 0; at < stats.vectors.size(); at++) {
    ResultObject entry(env);
    entry.number("live", static_cast<double>(stats.vectors[at].live));
    entry.number("indexed", static_cast<double>(stats.vectors[at].indexed));
    entry.number("graphed", static_cast<double>(stats.vectors[at].graphed));
    entry.number("graphBytes", static_cast<double>(stats.vectors[at].graphBytes));
    entry.number("vectorBytes", static_cast<double>(stats.vectors[at].vectorBytes));
    entry.number("codeBytes", static_cast<double>(stats.vectors[at].codeBytes));
    entry.boolean("calibrating", stats.vectors[at].isCalibrating);
    const RecallMeter::Reading& recall = stats.vectors[at].recall;
    ResultObject measured(env);
    measured.number("queries", static_cast<double>(recall.queries));
    measured.number("measured", recall.recall);
    measured.number("asked", recall.asked);
    ResultObject filtered(env);
    filtered.number("queries", static_cast<double>(recall.filtered.queries));
    filtered.number("measured", recall.filtered.recall);
    filtered.number("asked", recall.filtered.asked);
    measured.set("filtered", filtered.finish());
    measured.number("waiting", static_cast<double>(recall.waiting));
    measured.boolean("settling", recall.isSettling);
    ResultObject samples(env);
    const auto calibrated = stats.vectors[at].samples.value_or(Calibration::Samples());
    samples.number("stored", calibrated.stored);
    samples.number("live", calibrated.live);
    measured.set("samples", samples.finish());
    entry.set("recall", measured.finish());
    napi_set_element(env, list, at, entry.finish());
  }
  return list;
}

napi_value segmentStats(napi_env env, const ShardStats& stats) {
  napi_value list = makeArray(env, stats.segments.size());
  for (uint32_t at = 0; at < stats.segments.size(); at++) {
    const auto& segment = stats.segments[at];
    ResultObject entry(env);
    entry.number("segment", segment.number);
    entry.boolean("active", segment.isActive);
    entry.boolean("left", segment.isLeft);
    entry.number("rows", segment.rows);
    entry.number("deleted", segment.deleted);
    entry.number("bytes", static_cast<double>(segment.bytes));
    entry.number("checkpointedRows", segment.checkpointedRows);
    entry.number("overlayRows", segment.overlayRows);
    entry.boolean("measuredAnew", segment.isMeasuredAnew);
    napi_set_element(env, list, at, entry.finish());
  }
  return list;
}

constexpr const char* kIndexKinds[] = {"keyword",  "integer", "float", "bool",
                                       "datetime", "uuid",    "geo",   "text"};

napi_value indexStats(napi_env env, const ShardStats& stats) {
  napi_value list = makeArray(env, stats.payloadIndexes.size());
  for (uint32_t at = 0; at < stats.payloadIndexes.size(); at++) {
    ResultObject entry(env);
    entry.text("field", stats.payloadIndexes[at].field);
    entry.text("kind", kIndexKinds[size_t(stats.payloadIndexes[at].kind)]);
    entry.number("points", static_cast<double>(stats.payloadIndexes[at].points));
    napi_set_element(env, list, at, entry.finish());
  }
  return list;
}

napi_value createPayloadIndex(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  IndexField field;
  field.field = arguments.text(arguments[1], "field", kMostPathBytes);
  const std::string kind = arguments.text(arguments[2], "kind", kMostNameBytes);
  const auto known = std::find(std::begin(kIndexKinds), std::end(kIndexKinds), kind);
  if (!arguments.failed() && known == std::end(kIndexKinds))
    arguments.fail("kind", "a kind of payload index");
  if (arguments.failed()) return nullptr;
  field.kind = static_cast<PayloadIndexKind>(known - std::begin(kIndexKinds));
  const auto options = arguments.typedOrNull<uint8_t>(arguments[3], "text");
  field.isOnDisk = arguments.boolean(arguments[4], "onDisk");
  field.hasGraphs = arguments.boolean(arguments[5], "hasGraphs");
  if (arguments.failed()) return nullptr;
  if (field.kind == PayloadIndexKind::Text) {
    auto decoded = decodeTextOptions(options.data, options.length);
    if (!decoded) {
      arguments.fail("text", "the options of a text index");
      return nullptr;
    }
    field.text = decoded.take();
  }
  Call call;
  call.work = [shard = handle->shard(), field] { return shard->createPayloadIndex(field); };
  return runOnShard(handle, env, Lane::Insert, std::move(call));
}

napi_value dropPayloadIndex(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const std::string field = arguments.text(arguments[1], "field", kMostPathBytes);
  if (!arguments.failed()) handle->shard()->dropPayloadIndex(field);
  return nullptr;
}

napi_value stats(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const ShardStats stats = handle->shard()->stats();
  ResultObject object(env);
  object.number("seq", static_cast<double>(stats.seq));
  object.number("points", static_cast<double>(stats.points));
  object.number("payloadBytes", static_cast<double>(stats.payloadBytes));
  object.number("dirty", static_cast<double>(stats.dirty));
  object.number("dirtyBytes", static_cast<double>(stats.dirtyBytes));
  object.set("vectors", vectorStats(env, stats));
  object.set("segments", segmentStats(env, stats));
  object.set("payloadIndexes", indexStats(env, stats));
  return object.finish();
}

napi_value tailBytes(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  return handle ? makeNumber(env, static_cast<double>(handle->shard()->tailBytes())) : nullptr;
}

napi_value waitForIndex(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  Call call;
  ShardHandle::begin(handle, call);
  return Environment::of(env)->defer(
      std::move(call), [&](Completion done) { handle->shard()->waitForIndex(std::move(done)); });
}

napi_value setIndexing(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const bool enabled = arguments.boolean(arguments[1], "enabled");
  if (!arguments.failed()) handle->shard()->indexer().setEnabled(enabled);
  return nullptr;
}

napi_value freeze(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  return handle ? makeNumber(env, static_cast<double>(handle->shard()->freeze())) : nullptr;
}

napi_value moveRows(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const auto segment =
      static_cast<uint32_t>(arguments.integer(arguments[1], "segment", 0, UINT32_MAX));
  const auto maxRows =
      static_cast<uint32_t>(arguments.integer(arguments[2], "maxRows", 1, kMostBatchRows));
  if (arguments.failed()) return nullptr;
  auto left = std::make_shared<uint32_t>(0);
  Call call;
  call.work = [shard = handle->shard(), segment, maxRows, left] {
    auto result = shard->moveRows(segment, maxRows);
    if (!result) return result.status();
    *left = *result;
    return Status::ok();
  };
  call.result = [left](napi_env live) { return makeNumber(live, *left); };
  return runOnShard(handle, env, Lane::Insert, std::move(call));
}

// Reads the number of a dense vector of the shard.
uint32_t vectorOf(Arguments& arguments, const ShardHandle& handle) {
  const size_t vectors = handle.shard()->spec().vectors.size();
  if (vectors == 0) arguments.fail("vector", "a shard with dense vectors");
  return static_cast<uint32_t>(
      arguments.integer(arguments[1], "vector", 0, vectors == 0 ? 0 : vectors - 1));
}

napi_value measureRecall(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const uint32_t vector = vectorOf(arguments, *handle);
  const auto most =
      static_cast<uint32_t>(arguments.integer(arguments[2], "most", 1, kMostMeasured));
  if (arguments.failed()) return nullptr;
  auto measured = std::make_shared<uint32_t>(0);
  Call call;
  call.work = [shard = handle->shard(), vector, most, measured] {
    auto result = shard->measureRecall(vector, most);
    if (!result) return result.status();
    *measured = *result;
    return Status::ok();
  };
  call.result = [measured](napi_env live) { return makeNumber(live, *measured); };
  return runOnShard(handle, env, Lane::Build, std::move(call));
}

napi_value keptQueries(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const uint32_t vector = vectorOf(arguments, *handle);
  if (arguments.failed()) return nullptr;
  const std::vector<float> kept = handle->shard()->meter(vector).kept();
  Buffer<float> floats;
  if (!floats.append(kept.data(), kept.size())) {
    throwError(env, Status(Code::ResourceExhausted, "out of memory while queries are kept"));
    return nullptr;
  }
  ResultObject result(env);
  result.array("queries", floats);
  return result.finish();
}

napi_value resumeQueries(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const uint32_t vector = vectorOf(arguments, *handle);
  const auto kept = arguments.typed<float>(arguments[2], "queries");
  if (arguments.failed()) return nullptr;
  const uint32_t dim = handle->shard()->spec().vectors[vector].dim;
  napi_value isDone = nullptr;
  napi_get_boolean(env, handle->shard()->meter(vector).resume(kept.data, kept.length, dim),
                   &isDone);
  return isDone;
}

napi_value dropSegment(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const auto segment =
      static_cast<uint32_t>(arguments.integer(arguments[1], "segment", 0, UINT32_MAX));
  if (arguments.failed()) return nullptr;
  if (const Status status = handle->shard()->dropSegment(segment); !status) throwError(env, status);
  return nullptr;
}

napi_value validate(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto violations = std::make_shared<std::vector<std::string>>();
  Call call;
  call.work = [shard = handle->shard(), violations] {
    *violations = shard->validate();
    return Status::ok();
  };
  call.result = [violations](napi_env live) {
    napi_value list = makeArray(live, violations->size());
    for (uint32_t at = 0; at < violations->size(); at++) {
      napi_value text = nullptr;
      napi_create_string_utf8(live, (*violations)[at].data(), (*violations)[at].size(), &text);
      napi_set_element(live, list, at, text);
    }
    return list;
  };
  return runOnShard(handle, env, Lane::Insert, std::move(call));
}

} // namespace

void defineMaintenanceMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"createPayloadIndex", createPayloadIndex},
      {"dropPayloadIndex", dropPayloadIndex},
      {"stats", stats},
      {"tailBytes", tailBytes},
      {"waitForIndex", waitForIndex},
      {"setIndexing", setIndexing},
      {"freeze", freeze},
      {"moveRows", moveRows},
      {"measureRecall", measureRecall},
      {"keptQueries", keptQueries},
      {"resumeQueries", resumeQueries},
      {"dropSegment", dropSegment},
      {"validate", validate},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
