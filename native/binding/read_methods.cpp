// Reads points by id, or in id order. Requests are copied, so nothing is pinned.
#include <optional>

#include "binding/bounds.hpp"
#include "binding/columns_input.hpp"
#include "binding/methods.hpp"
#include "binding/read_input.hpp"
#include "binding/results.hpp"
#include "binding/shard_handle.hpp"
#include "search/scroll.hpp"

namespace vicinal::binding {

namespace {

// The most points, and bytes of their payloads, that are read on the JavaScript thread: some
// microseconds.
constexpr size_t kMostInlineIds = 32;
constexpr uint64_t kMostInlineReadBytes = 64 << 10;
constexpr double kLeastRetrievalUs = 20;

// Points by id.
struct Retrieval {
  std::vector<PointId> ids;
  RowFields fields;
  RowBlock rows;
  Buffer<uint32_t> positions;
};

// Where waiting is refused, so is reading more than `kMostInlineReadBytes` of payloads.
Status retrieveRows(const Shard& shard, Retrieval& state, Waiting waiting,
                    const CancelFlag* cancel) {
  std::vector<RowRef> rows;
  const std::optional<Snapshot> snapshot = waiting == Waiting::Allowed
                                               ? shard.locate(state.ids, rows)
                                               : shard.tryLocate(state.ids, rows);
  if (!snapshot) return Status(Code::Cancelled, "points are being written");
  std::vector<RowRef> present;
  for (uint32_t at = 0; at < rows.size(); at++) {
    if (!rows[at].found()) continue;
    present.push_back(rows[at]);
    if (!state.positions.push(at)) return Status::outOfMemory("reading points");
  }
  std::shared_lock overlays(*snapshot->overlays, std::defer_lock);
  if (waiting == Waiting::Allowed)
    overlays.lock();
  else if (!overlays.try_lock() || payloadBytes(present) > kMostInlineReadBytes)
    return Status(Code::Cancelled, "points are being written, or are large");
  WorkMeter work(cancel);
  return readRows(present.data(), present.size(), state.fields, shard.spec().vectors, state.rows,
                  work);
}

napi_value retrievalResult(napi_env env, Retrieval& state) {
  ResultObject object(env);
  addRowBlock(env, object, state.rows);
  object.array("positions", state.positions);
  return object.finish();
}

// Reads a few payloads on this thread, which takes less time than a hop to the pool and back (see
// binding/search_methods). True if done.
bool retrievedInline(Environment& environment, const Shard& shard, Retrieval& state,
                     double mostUs) {
  // Vectors may be cold, so they are never read here.
  if (!state.fields.vectors.empty() || state.ids.size() > kMostInlineIds) return false;
  if (mostUs < kLeastRetrievalUs || environment.isReading()) return false;
  if (retrieveRows(shard, state, Waiting::Refused, nullptr).isOk()) return true;
  state.rows = {};
  state.positions = {};
  return false;
}

napi_value retrieve(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto state = std::make_shared<Retrieval>();
  state->ids = readPointIds(arguments, arguments[1], "ids", kMostBatchRows);
  state->fields = readFields(arguments, arguments[2], handle->shard()->spec());
  const uint64_t cancelNumber = readCancel(arguments, arguments[3]);
  const double inlineUs = arguments.number(arguments[4], "inlineUs", 0, kMostInlineUs);
  if (arguments.failed()) return nullptr;
  if (retrievedInline(*Environment::of(env), *handle->shard(), *state, inlineUs))
    return retrievalResult(env, *state);
  const auto work = [state](Shard& shard, const CancelFlag* cancel) {
    return retrieveRows(shard, *state, Waiting::Allowed, cancel);
  };
  return readOnShard(handle, env, cancelNumber, work,
                     [state](napi_env live) { return retrievalResult(live, *state); });
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
  readRowsAsked(arguments, arguments[1], handle->shard()->spec(), state->request);
  const uint64_t cancelNumber = readCancel(arguments, arguments.property(arguments[1], "cancel"));
  if (arguments.failed()) return nullptr;
  const auto work = [state](Shard& shard, const CancelFlag* cancel) {
    return scroll(shard.snapshot(), shard.spec().vectors, state->request, cancel, state->result);
  };
  const auto result = [state](napi_env live) {
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
  return readOnShard(handle, env, cancelNumber, work, result);
}

// Counts on this thread if that is expected to take less time than a hop to the pool (see
// binding/search_methods).
Result<std::optional<uint64_t>> countedInline(Environment& environment, Shard& shard,
                                              const FilterBytes& filter, double mostUs) {
  if (mostUs <= 0 || environment.isReading()) return std::optional<uint64_t>();
  return countWithin(shard.snapshot(), shard.spec().vectorCount(), filter, mostUs * 1000);
}

napi_value countMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto state = std::make_shared<CountState>();
  state->filter = readFilter(arguments, arguments[1]);
  const uint64_t cancelNumber = readCancel(arguments, arguments[2]);
  const double inlineUs = arguments.number(arguments[3], "inlineUs", 0, kMostInlineUs);
  if (arguments.failed()) return nullptr;
  const auto here = countedInline(*Environment::of(env), *handle->shard(), state->filter, inlineUs);
  if (here && *here) return makeNumber(env, double(**here));
  const auto work = [state](Shard& shard, const CancelFlag* cancel) {
    return state->take(count(shard.snapshot(), shard.spec().vectorCount(), state->filter, cancel));
  };
  return readOnShard(handle, env, cancelNumber, work,
                     [state](napi_env live) { return makeNumber(live, double(state->count)); });
}

napi_value selectIdsMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  struct State {
    FilterBytes filter;
    Buffer<uint32_t> ids;
  };
  auto state = std::make_shared<State>();
  state->filter = readFilter(arguments, arguments[1]);
  const uint64_t cancelNumber = readCancel(arguments, arguments[2]);
  if (arguments.failed()) return nullptr;
  const auto work = [state](Shard& shard, const CancelFlag* cancel) {
    return selectIds(shard.snapshot(), shard.spec().vectorCount(), state->filter, cancel,
                     state->ids);
  };
  return readOnShard(handle, env, cancelNumber, work,
                     [state](napi_env live) { return makeTyped(live, state->ids); });
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
      {"retrieve", retrieve},         {"scroll", scrollMethod}, {"count", countMethod},
      {"selectIds", selectIdsMethod}, {"cancel", cancelMethod},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
