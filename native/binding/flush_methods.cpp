// Moves rows to the table and back.
#include "binding/bounds.hpp"
#include "binding/columns_input.hpp"
#include "binding/methods.hpp"
#include "binding/results.hpp"
#include "binding/shard_handle.hpp"

namespace vicinal::binding {

namespace {

napi_value tableRows(napi_env env, TableRows& rows) {
  if (rows.count == 0) {
    napi_value none = nullptr;
    napi_get_null(env, &none);
    return none;
  }
  ResultObject object(env);
  object.number("count", rows.count);
  object.number("throughSeq", static_cast<double>(rows.throughSeq));
  napi_value ids = object.object("ids");
  object.array("bytes", rows.idBytes, ids);
  object.array("offsets", rows.idOffsets, ids);
  object.array("seqs", rows.seqs);
  object.array("deleted", rows.deleted);
  object.array("crcs", rows.crcs);
  napi_value payloads = object.object("payloads");
  object.array("bytes", rows.payloadBytes, payloads);
  object.array("offsets", rows.payloadOffsets, payloads);
  napi_value vectors = makeArray(env, rows.vectors.size() + rows.sparse.size());
  for (uint32_t at = 0; at < rows.vectors.size(); at++) {
    napi_value column;
    napi_create_object(env, &column);
    napi_set_element(env, vectors, at, column);
    object.array("data", rows.vectors[at].data, column);
    object.array("counts", rows.vectors[at].counts, column);
  }
  for (uint32_t at = 0; at < rows.sparse.size(); at++) {
    napi_value column;
    napi_value sparse;
    napi_create_object(env, &column);
    napi_create_object(env, &sparse);
    napi_set_element(env, vectors, uint32_t(rows.vectors.size()) + at, column);
    napi_set_named_property(env, column, "sparse", sparse);
    object.array("data", rows.sparse[at].values, column);
    object.array("counts", rows.sparse[at].counts, column);
    object.array("indices", rows.sparse[at].indices, sparse);
    object.array("offsets", rows.sparse[at].offsets, sparse);
  }
  object.set("vectors", vectors);
  return object.finish();
}

napi_value takeFlush(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const uint64_t maxBytes = arguments.integer(arguments[1], "maxBytes", 1, kMostSafeInteger);
  if (arguments.failed()) return nullptr;
  auto rows = std::make_shared<TableRows>();
  Call call;
  call.work = [shard = handle->shard(), maxBytes, rows] {
    return shard->takeFlush(maxBytes, *rows);
  };
  call.result = [rows](napi_env live) { return tableRows(live, *rows); };
  return runOnShard(handle, env, Lane::Insert, std::move(call));
}

napi_value restoreFlush(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (const auto handle = ShardHandle::of(arguments)) handle->shard()->restoreFlush();
  return nullptr;
}

napi_value completeFlush(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (const auto handle = ShardHandle::of(arguments)) handle->shard()->completeFlush();
  return nullptr;
}

napi_value verifyRows(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto view = std::make_shared<TableView>();
  auto wrong = std::make_shared<int64_t>(-1);
  Call call;
  if (!readTable(arguments, arguments[1], handle->shard()->spec(), call.pins, *view))
    return nullptr;
  call.work = [shard = handle->shard(), view, wrong] {
    *wrong = shard->verifyRows(*view);
    return Status::ok();
  };
  call.result = [wrong](napi_env live) {
    napi_value value = nullptr;
    napi_create_int64(live, *wrong, &value);
    return value;
  };
  return runOnShard(handle, env, Lane::Insert, std::move(call));
}

napi_value checksumRows(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto view = std::make_shared<TableView>();
  auto crcs = std::make_shared<Buffer<uint32_t>>();
  Call call;
  if (!readTable(arguments, arguments[1], handle->shard()->spec(), call.pins, *view))
    return nullptr;
  call.work = [shard = handle->shard(), view, crcs] {
    return shard->checksums(*view, *crcs)
               ? Status::ok()
               : Status(Code::Corrupt, "rows of the table: their checksums cannot be computed");
  };
  call.result = [crcs](napi_env live) { return makeTyped(live, *crcs); };
  return runOnShard(handle, env, Lane::Insert, std::move(call));
}

napi_value loadRows(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto view = std::make_shared<TableView>();
  Call call;
  if (!readTable(arguments, arguments[1], handle->shard()->spec(), call.pins, *view))
    return nullptr;
  call.work = [shard = handle->shard(), view] { return shard->loadRows(*view); };
  return runOnShard(handle, env, Lane::Insert, std::move(call));
}

} // namespace

void defineFlushMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"takeFlush", takeFlush},   {"restoreFlush", restoreFlush}, {"completeFlush", completeFlush},
      {"verifyRows", verifyRows}, {"checksumRows", checksumRows}, {"loadRows", loadRows},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
