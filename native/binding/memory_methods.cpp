// Reports memory use.
#include <optional>

#include "binding/methods.hpp"
#include "binding/results.hpp"
#include "binding/shard_handle.hpp"

namespace vicinal::binding {

namespace {

napi_value partOf(napi_env env, const MemoryPart& part) {
  ResultObject object(env);
  object.number("bytes", static_cast<double>(part.bytes));
  object.number("residentBytes", static_cast<double>(part.resident));
  object.number("cacheBytes", static_cast<double>(part.cache));
  object.number("heapBytes", static_cast<double>(part.heap));
  object.number("unlockedBytes", static_cast<double>(part.unlocked));
  return object.finish();
}

napi_value tableOf(napi_env env, const MemoryTable& table) {
  napi_value vectors = makeArray(env, table.vectors.size());
  for (uint32_t at = 0; at < table.vectors.size(); at++) {
    const MemoryTable::Vectors& each = table.vectors[at];
    ResultObject entry(env);
    entry.set("vectors", partOf(env, each.vectors));
    entry.set("codes", partOf(env, each.codes));
    entry.set("graph", partOf(env, each.graph));
    entry.number("inFilesBytes", static_cast<double>(each.inFiles));
    napi_set_element(env, vectors, at, entry.finish());
  }
  ResultObject object(env);
  object.set("vectors", vectors);
  object.set("ids", partOf(env, table.ids));
  object.set("payload", partOf(env, table.payload));
  object.set("payloadIndexes", partOf(env, table.payloadIndexes));
  object.set("tombstones", partOf(env, table.tombstones));
  object.set("overlays", partOf(env, table.overlays));
  object.set("changes", partOf(env, table.changes));
  return object.finish();
}

napi_value memory(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto table = std::make_shared<std::optional<MemoryTable>>();
  Call call;
  call.work = [shard = handle->shard(), table] {
    *table = shard->memory();
    return Status::ok();
  };
  call.result = [table](napi_env live) { return tableOf(live, **table); };
  return runOnShard(handle, env, Lane::Search, std::move(call));
}

napi_value shed(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const bool everything = arguments.boolean(arguments[1], "everything");
  if (arguments.failed()) return nullptr;
  Call call;
  call.work = [shard = handle->shard(), everything] { return shard->shed(everything); };
  return runOnShard(handle, env, Lane::Search, std::move(call));
}

napi_value limit(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const uint64_t bytes = arguments.integer(arguments[0], "bytes", 0, uint64_t(1) << 52);
  if (!arguments.failed()) limitMemory(bytes);
  return nullptr;
}

napi_value trim(napi_env env, napi_callback_info) {
  Call call;
  call.work = [] {
    trimHeap();
    return Status::ok();
  };
  return Environment::of(env)->run(Lane::Search, std::move(call));
}

napi_value ofProcess(napi_env env, napi_callback_info) {
  const ProcessMemory memory = processMemory();
  ResultObject object(env);
  object.number("residentBytes", static_cast<double>(memory.resident));
  object.number("fileBytes", static_cast<double>(memory.file));
  object.number("heapUsedBytes", static_cast<double>(memory.heapUsed));
  object.number("heapFreeBytes", static_cast<double>(memory.heapFree));
  return object.finish();
}

} // namespace

void defineMemoryMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"memory", memory},           {"shed", shed}, {"limitMemory", limit}, {"trimHeap", trim},
      {"processMemory", ofProcess},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
