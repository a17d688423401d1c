// Searches by dense vectors and by sparse ones, and fused searches. Requests are copied, so nothing
// is pinned.
#include <chrono>
#include <type_traits>

#include "binding/bounds.hpp"
#include "binding/methods.hpp"
#include "binding/plain_input.hpp"
#include "binding/search_input.hpp"
#include "binding/search_result.hpp"
#include "binding/shard_handle.hpp"
#include "shard/fusion_run.hpp"

namespace vicinal::binding {

namespace {

using Clock = CancelFlag::Clock;
using Microseconds = std::chrono::duration<double, std::micro>;

// Times of searches vary. A search that cannot be parked and is given up here runs again on the
// pool. With this multiple of the expected time, few are given up.
constexpr double kSpread = 1.5;
// A search that can be parked runs here even over several turns of the event loop: waking a pool
// thread takes about as long.
constexpr double kMostParkedNs = 300'000;
// Several shorter searches fit into a turn. They begin only if they can end in it: resuming with
// cold caches takes longer than starting there.
constexpr double kShortNs = kTurnUs * 1000 / 2;
// If this thread keeps its searches, at most this many wait for a turn. For more, as in a batch,
// waking a pool thread is worth it.
constexpr size_t kMostKeptSearches = 16;
// A search that has found no room in this many turns goes to the pool, since it may never fit.
constexpr uint32_t kMostTurns = 8;
// With less time left in a turn, no search begins. No search gets a whole turn, because some of it
// has passed before the search starts.
constexpr std::chrono::microseconds kLeastBegun(10);
constexpr double kMostNeededNs = (kTurnUs - double(kLeastBegun.count())) * 1000;

enum class Inline : uint8_t { Refused, Done, Parked };

// Whether a cancelled run can be resumed later, and whether this search is parked.
template <typename Search> bool canPark(Search& search, Shard& shard, const Snapshot& snapshot) {
  if constexpr (std::is_same_v<Search, DenseSearch>) return search.canPark(shard, snapshot);
  return false;
}
template <typename Search> bool isParked(const Search& search) {
  if constexpr (std::is_same_v<Search, DenseSearch>) return search.isParked();
  return false;
}

// A search that this thread is about to run.
template <typename Search> struct Begun {
  const std::shared_ptr<Shard>& shard;
  const std::shared_ptr<Search>& search;
  const Snapshot& snapshot;
  const SearchCall& call;
  const Clock::time_point at;
  // On this thread.
  const double expectedNs;
  // The outcome.
  Status status;
};

// Searches here where that is cheaper than a hop to the pool and back. It is, if no other read is
// under way that could run beside it. The search must also nearly always end within a turn of the
// event loop, or be able to go on in others. It runs now, for as long as the call allows, or in the
// next turn. A wrong guess is given up. So is a search that has no room in the turn it waited for;
// but where the pool has no core to itself, it waits for a turn with room.
template <typename Search> Inline searchInline(Environment& environment, Begun<Search>& begun) {
  const auto& [shard, shared, snapshot, call, called, expectedNs, status] = begun;
  Search& search = *shared;
  if (call.inlineUs < 0 || call.cancel == 0) return Inline::Refused;
  // A search that began here continues here, even beside reads on the pool.
  const bool isKept = environment.keepsSearches() && environment.waitingCount() < kMostKeptSearches;
  if (environment.isReading() && !isParked(search) && !isKept) return Inline::Refused;
  const auto end = called + std::chrono::nanoseconds(static_cast<int64_t>(call.inlineUs * 1000));
  const auto left = end - Clock::now();
  const bool isParkable = expectedNs < kMostParkedNs && canPark(search, *shard, snapshot);
  const double neededNs = kSpread * expectedNs;
  if (!isParkable && (isParked(search) || !(neededNs < kMostNeededNs))) return Inline::Refused;
  const bool isToEndNow = !isParkable || (!isParked(search) && neededNs < kShortNs);
  if (isToEndNow ? !(Microseconds(left).count() * 1000 > neededNs) : left < kLeastBegun)
    return call.turns < (isKept ? kMostTurns : 1) ? Inline::Parked : Inline::Refused;
  if constexpr (std::is_same_v<Search, DenseSearch>)
    if (isParkable) search.park();
  const CancelFlag deadline(end);
  begun.status = search.run(*shard, snapshot, &deadline, Waiting::Refused);
  if (status.code() == Code::Cancelled) return isParked(search) ? Inline::Parked : Inline::Refused;
  return Inline::Done;
}

// On several threads where it takes long enough.
napi_value fusedOnPool(napi_env env, const std::shared_ptr<ShardHandle>& handle,
                       const Begun<FusedSearch>& begun) {
  const auto& [shard, search, snapshot, asked, called, expectedNs, status] = begun;
  Call call;
  call.isRead = true;
  call.cancel = std::make_shared<CancelFlag>();
  call.result = [search = search](napi_env live) { return packedResult(live, search->result); };
  ShardHandle::begin(handle, call, asked.cancel);
  const auto start = [&, cancel = call.cancel](Completion done) {
    startFused(begun.search, begun.shard, begun.snapshot, ThreadPool::shared(), cancel,
               std::move(done));
  };
  return Environment::of(env)->defer(std::move(call), start);
}

// Runs a search on the pool that this thread did not finish.
template <typename Search>
napi_value onPool(napi_env env, const std::shared_ptr<ShardHandle>& handle,
                  const Begun<Search>& begun) {
  const auto& [shard, search, snapshot, call, called, expectedNs, status] = begun;
  if constexpr (std::is_same_v<Search, FusedSearch>)
    if (!search->isShort(*shard, snapshot)) return fusedOnPool(env, handle, begun);
  return searchOnShard(
      handle, env, call.cancel, expectedNs,
      [search = search, snapshot = snapshot](Shard& on, const CancelFlag* cancel) {
        return search->run(on, snapshot, cancel, Waiting::Allowed);
      },
      [search = search](napi_env live) { return packedResult(live, search->result); });
}

// Returns the result, its promise, or nothing: the search is then to be resumed in the next turn.
template <typename Search>
napi_value searched(napi_env env, const std::shared_ptr<ShardHandle>& handle,
                    const std::shared_ptr<Search>& search, const SearchCall& call,
                    const Snapshot& snapshot, Clock::time_point called) {
  const std::shared_ptr<Shard> shard = handle->shard();
  Environment& environment = *Environment::of(env);
  Begun<Search> begun{shard, search, snapshot, call, called, search->expectedNs(*shard, snapshot),
                      {}};
  switch (searchInline(environment, begun)) {
  case Inline::Done:
    if (begun.status.isOk()) return packedResult(env, search->result);
    throwError(env, begun.status);
    return nullptr;
  case Inline::Parked:
    handle->park(call.cancel, environment.waiting(),
                 [search, snapshot, cancel = call.cancel,
                  turns = call.turns + 1](napi_env now, const auto& parkedAt, double inlineUs) {
                   const SearchCall resumed{cancel, inlineUs, turns};
                   return searched(now, parkedAt, search, resumed, snapshot, Clock::now());
                 });
    return nullptr;
  case Inline::Refused: break;
  }
  return onPool(env, handle, begun);
}

template <typename Search>
napi_value searched(napi_env env, const std::shared_ptr<ShardHandle>& handle,
                    const std::shared_ptr<Search>& search, const SearchCall& call,
                    Clock::time_point called) {
  return searched(env, handle, search, call, handle->shard()->snapshot(), called);
}

// resumeSearch(shard, cancel, inlineUs)
napi_value resumeMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const uint64_t cancelNumber = readCancel(arguments, arguments[1]);
  const double inlineUs = arguments.number(arguments[2], "inlineUs", kNeverInline, kMostInlineUs);
  if (arguments.failed()) return nullptr;
  if (const auto resume = handle->takeParked(cancelNumber)) return resume(env, handle, inlineUs);
  arguments.fail("cancel", "the number of a search that is parked");
  return nullptr;
}

// dropSearch(shard, cancel)
napi_value dropMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  const uint64_t cancelNumber = readCancel(arguments, arguments[1]);
  if (arguments.failed()) return nullptr;
  handle->takeParked(cancelNumber);
  return nullptr;
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
                        arguments.number(arguments[3], "inlineUs", kNeverInline, kMostInlineUs)};
  if (arguments.failed()) return nullptr;
  return searched(arguments.env(), handle, search, call, called);
}

napi_value denseMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  return searchMethod<DenseSearch>(arguments, [&](DenseSearch& search, const ShardSpec& spec) {
    readSearch(arguments, arguments[1], spec, Asked::Alone, search.request);
  });
}

// The same, from numbers in a row.
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

} // namespace

void defineSearchMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"search", denseMethod},      {"searchPlain", plainMethod},   {"searchSparse", sparseMethod},
      {"searchFused", fusedMethod}, {"resumeSearch", resumeMethod}, {"dropSearch", dropMethod},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
