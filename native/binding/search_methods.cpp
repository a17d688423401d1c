// Searches, by dense vectors, by sparse ones, and several fused. What they are asked for is copied,
// so nothing of it is pinned.
#include <chrono>
#include <type_traits>

#include "binding/bounds.hpp"
#include "binding/methods.hpp"
#include "binding/plain_input.hpp"
#include "binding/search_input.hpp"
#include "binding/search_result.hpp"
#include "binding/shard_handle.hpp"

namespace vicinal::binding {

namespace {

using Clock = CancelFlag::Clock;
using Microseconds = std::chrono::duration<double, std::micro>;

// Searches here and now where that is cheaper than a hop to the pool and back: where nothing else
// is under way that could run beside it, and where it is expected to end within `mostUs` of the
// beginning of the call. A wrong guess is given up at that time. True when it has been done.
template <typename Search>
bool searchedInline(Environment& environment, Shard& shard, const Snapshot& snapshot,
                    Search& search, double expectedNs, Clock::time_point called, double mostUs,
                    Status& status) {
  if (mostUs <= 0 || !environment.isIdle()) return false;
  const auto end = called + std::chrono::nanoseconds(static_cast<int64_t>(mostUs * 1000));
  const Microseconds left = end - Clock::now();
  if (!(expectedNs < left.count() * 1000)) return false;
  const CancelFlag deadline(end);
  status = search.run(shard, snapshot, &deadline, Waiting::Refused);
  search.result.stats.tookUs = Microseconds(Clock::now() - called).count();
  return status.code() != Code::Cancelled;
}

template <typename Search>
napi_value onPool(napi_env env, const std::shared_ptr<ShardHandle>& handle,
                  const std::shared_ptr<Search>& search, uint64_t cancelNumber, double expectedNs) {
  return searchOnShard(
      handle, env, cancelNumber, expectedNs,
      [search](Shard& shard, const CancelFlag* cancel) {
        return search->run(shard, shard.snapshot(), cancel, Waiting::Allowed);
      },
      [search](napi_env live) { return packedResult(live, search->result); });
}

// On several threads where it takes long enough.
napi_value fusedOnPool(napi_env env, const std::shared_ptr<ShardHandle>& handle,
                       const std::shared_ptr<FusedSearch>& search, const SearchCall& asked) {
  Call call;
  call.cancel = std::make_shared<CancelFlag>();
  call.result = [search](napi_env live) { return packedResult(live, search->result); };
  ShardHandle::begin(handle, call, asked.cancel);
  const auto start = [&, cancel = call.cancel](Completion done) {
    startFused(search, handle->shard(), ThreadPool::shared(), cancel, std::move(done));
  };
  return Environment::of(env)->defer(std::move(call), start);
}

// Its result, or the promise of it.
template <typename Search>
napi_value searched(napi_env env, const std::shared_ptr<ShardHandle>& handle,
                    const std::shared_ptr<Search>& search, const SearchCall& call,
                    Clock::time_point called) {
  Status status;
  Shard& shard = *handle->shard();
  const Snapshot snapshot = shard.snapshot();
  const double expectedNs = search->expectedNs(shard, snapshot);
  if (searchedInline(*Environment::of(env), shard, snapshot, *search, expectedNs, called,
                     call.inlineUs, status)) {
    if (status.isOk()) return packedResult(env, search->result);
    throwError(env, codeName(status.code()), status.message());
    return nullptr;
  }
  if constexpr (std::is_same_v<Search, FusedSearch>)
    if (!search->isShort(shard, snapshot)) return fusedOnPool(env, handle, search, call);
  return onPool(env, handle, search, call.cancel, expectedNs);
}

// `read(search)` reads the request.
template <typename Search, typename Read>
napi_value searchMethod(Arguments& arguments, const Read& read) {
  const auto called = Clock::now();
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto search = std::make_shared<Search>();
  read(*search, handle->shard()->spec());
  const SearchCall call{readCancel(arguments, arguments[2]),
                        arguments.number(arguments[3], "inlineUs", 0, kMostInlineUs)};
  if (arguments.failed()) return nullptr;
  return searched(arguments.env(), handle, search, call, called);
}

napi_value denseMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  return searchMethod<DenseSearch>(arguments, [&](DenseSearch& search, const ShardSpec& spec) {
    readSearch(arguments, arguments[1], spec, Asked::Alone, search.request);
  });
}

napi_value plainMethod(napi_env env, napi_callback_info info) {
  const auto called = Clock::now();
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto search = std::make_shared<DenseSearch>();
  const auto numbers = arguments.typed<double>(arguments[1], "numbers");
  const SearchCall call = readPlainSearch(arguments, numbers, arguments[2], arguments[3],
                                          handle->shard()->spec(), search->request);
  if (arguments.failed()) return nullptr;
  return searched(env, handle, search, call, called);
}

napi_value sparseMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  return searchMethod<SparseSearch>(arguments, [&](SparseSearch& search, const ShardSpec& spec) {
    readSparseSearch(arguments, arguments[1], spec, Asked::Alone, search.request);
  });
}

napi_value fusedMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  return searchMethod<FusedSearch>(arguments, [&](FusedSearch& search, const ShardSpec& spec) {
    readFusedSearch(arguments, arguments[1], spec, search);
  });
}

napi_value plainFusedMethod(napi_env env, napi_callback_info info) {
  const auto called = Clock::now();
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto search = std::make_shared<FusedSearch>();
  const auto numbers = arguments.typed<double>(arguments[1], "numbers");
  const SearchCall call =
      readPlainFused(arguments, numbers, arguments[2], handle->shard()->spec(), *search);
  if (arguments.failed()) return nullptr;
  return searched(env, handle, search, call, called);
}

} // namespace

void defineSearchMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"search", denseMethod},
      {"searchPlain", plainMethod},
      {"searchSparse", sparseMethod},
      {"searchFused", fusedMethod},
      {"searchFusedPlain", plainFusedMethod},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
