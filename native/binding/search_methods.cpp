// Searches, by dense vectors, by sparse ones, and both fused. What they are asked for is copied, so
// nothing of it is pinned.
#include <chrono>
#include <cmath>
#include <variant>

#include "binding/bounds.hpp"
#include "binding/methods.hpp"
#include "binding/read_input.hpp"
#include "binding/search_input.hpp"
#include "binding/search_result.hpp"
#include "binding/shard_handle.hpp"
#include "search/fusion.hpp"
#include "search/scroll.hpp"

namespace vicinal::binding {

namespace {

using Nanoseconds = std::chrono::duration<double, std::nano>;

// Who asks how a search was done waits for a count of what matches besides, which is no part of
// what the search took.
Status countExplained(const Snapshot& snapshot, const RankedRequest& request,
                      const CancelFlag* cancel, SearchResult& result) {
  if (!request.explains || !request.filter) return Status::ok();
  return countMatches(snapshot, snapshot.vectorsNamed(), request.filter, cancel, result.segments);
}

struct DenseSearch {
  SearchRequest request;
  SearchResult result;

  void read(Reader& reader, napi_value value, const ShardSpec& spec) {
    readSearch(reader, value, spec, request);
  }

  double expectedNs(Shard& shard) const {
    if (request.filter && (request.examples || request.explains)) return INFINITY;
    if (request.filter) return shard.filteredPace(request.vector).nanoseconds(request.filter);
    const double distances = estimateDistances(shard.snapshot(), request);
    return shard.pace(request.vector).nanoseconds(distances);
  }

  // Searches, and notes how long it took.
  Status run(Shard& shard, const CancelFlag* cancel, Waiting waiting) {
    RecallMeter& meter = shard.meter(request.vector);
    request.lossShare = meter.lossShare();
    const auto started = CancelFlag::Clock::now();
    const Snapshot snapshot = shard.snapshot();
    const Status status =
        vicinal::search(snapshot, shard.spec().vectors, request, cancel, result, waiting);
    const Nanoseconds took = CancelFlag::Clock::now() - started;
    const double distances = estimateDistances(snapshot, request);
    if (request.filter && !request.examples)
      shard.filteredPace(request.vector).learn(request.filter, took.count());
    else if (std::isfinite(distances))
      shard.pace(request.vector).learn(distances, took.count());
    // A search that is given up here is done on the pool, and would count twice.
    const bool isOfOneVector = !request.examples && !shard.spec().vectors[request.vector].isMulti;
    if (status.isOk() && isOfOneVector) meter.note(request);
    result.stats.tookUs = took.count() / 1000;
    return status.isOk() ? countExplained(snapshot, request, cancel, result) : status;
  }
};

struct SparseSearch {
  SparseRequest request;
  SearchResult result;

  void read(Reader& reader, napi_value value, const ShardSpec& spec) {
    readSparseSearch(reader, value, spec, request);
  }

  double expectedNs(Shard& shard) const {
    const double postings = expectedPostings(shard.snapshot());
    if (!std::isfinite(postings) || (request.filter && request.explains)) return INFINITY;
    if (request.filter) return shard.filteredPace(vectorOf(shard)).nanoseconds(request.filter);
    return shard.sparsePace(vectorOf(shard)).nanoseconds(postings);
  }

  Status run(Shard& shard, const CancelFlag* cancel, Waiting waiting) {
    const auto started = CancelFlag::Clock::now();
    const Snapshot snapshot = shard.snapshot();
    const double postings = expectedPostings(snapshot);
    const Status status =
        searchSparse(snapshot, shard.spec().vectors, request, cancel, result, waiting);
    const Nanoseconds took = CancelFlag::Clock::now() - started;
    if (std::isfinite(postings)) {
      if (request.filter)
        shard.filteredPace(vectorOf(shard)).learn(request.filter, took.count());
      else
        shard.sparsePace(vectorOf(shard)).learn(postings, took.count());
    }
    result.stats.tookUs = took.count() / 1000;
    return status.isOk() ? countExplained(snapshot, request, cancel, result) : status;
  }

private:
  // With a filter, what was learned of it tells more.
  double expectedPostings(const Snapshot& snapshot) const {
    const bool isByFilter = request.filter && !request.examples && !request.corpus;
    return isByFilter ? 0 : estimatePostings(snapshot, request);
  }
  // Among all vectors.
  uint32_t vectorOf(const Shard& shard) const {
    return request.vector + static_cast<uint32_t>(shard.spec().vectors.size());
  }
};

CancelFlag::Clock::time_point timeIn(double us) {
  return CancelFlag::Clock::now() + std::chrono::nanoseconds(static_cast<int64_t>(us * 1000));
}

// Searches here and now where that is cheaper than a hop to the pool and back: where nothing else
// is under way that could run beside it, and where it is expected to end within `mostUs`. A wrong
// guess is given up at that time. True when it has been done.
template <typename Search>
bool searchedInline(Environment& environment, Shard& shard, Search& search, double expectedNs,
                    double mostUs, Status& status) {
  if (mostUs <= 0 || !environment.isIdle() || !(expectedNs < mostUs * 1000)) return false;
  const CancelFlag deadline(timeIn(mostUs));
  status = search.run(shard, &deadline, Waiting::Refused);
  if (status.code() != Code::Cancelled) return true;
  search.result = {};
  return false;
}

// Its result, or the promise of it. `resultOf` makes the one JavaScript gets.
template <typename Search, typename ResultOf>
napi_value searched(napi_env env, const std::shared_ptr<ShardHandle>& handle,
                    std::shared_ptr<Search> search, const SearchCall& call, ResultOf resultOf) {
  Status status;
  const double expectedNs = search->expectedNs(*handle->shard());
  if (searchedInline(*Environment::of(env), *handle->shard(), *search, expectedNs, call.inlineUs,
                     status)) {
    if (status.isOk()) return resultOf(env, search->result);
    throwError(env, codeName(status.code()), status.message());
    return nullptr;
  }
  return searchOnShard(
      handle, env, call.cancel, expectedNs,
      [search](Shard& shard, const CancelFlag* cancel) {
        return search->run(shard, cancel, Waiting::Allowed);
      },
      [search, resultOf](napi_env live) { return resultOf(live, search->result); });
}

template <typename Search> napi_value searchMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto search = std::make_shared<Search>();
  search->read(arguments, arguments[1], handle->shard()->spec());
  const SearchCall call{
      readCancel(arguments, arguments.property(arguments[1], "cancel")),
      arguments.number(arguments.property(arguments[1], "inlineUs"), "inlineUs", 0, kMostInlineUs)};
  if (arguments.failed()) return nullptr;
  return searched(env, handle, std::move(search), call, searchResult);
}

napi_value searchPlainMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto search = std::make_shared<DenseSearch>();
  const auto numbers = arguments.typed<double>(arguments[1], "numbers");
  const SearchCall call = readPlainSearch(arguments, numbers, arguments[2], arguments[3],
                                          handle->shard()->spec(), search->request);
  if (arguments.failed()) return nullptr;
  return searched(env, handle, std::move(search), call, packedResult);
}

using AnySearch = std::variant<DenseSearch, SparseSearch>;

struct FusedState {
  std::vector<AnySearch> parts;
  FusionRequest request;
  SearchResult result;
};

void readFusedRequest(Reader& reader, napi_value value, const ShardSpec& spec, FusedState& state) {
  napi_value parts = reader.property(value, "parts");
  uint32_t count = 0;
  if (napi_get_array_length(reader.env(), parts, &count) != napi_ok || count > kMostFused)
    reader.fail("parts", "an array of searches");
  for (uint32_t at = 0; at < count && !reader.failed(); at++) {
    napi_value part = nullptr;
    napi_get_element(reader.env(), parts, at, &part);
    bool isSparse = false;
    napi_has_named_property(reader.env(), part, "indices", &isSparse);
    AnySearch& any = state.parts.emplace_back();
    if (isSparse) any.emplace<SparseSearch>();
    std::visit([&](auto& one) { one.read(reader, part, spec); }, any);
  }
  if (reader.failed()) return;
  FusionRequest& request = state.request;
  const auto integer = [&](const char* name, uint64_t most) {
    return static_cast<uint32_t>(reader.integer(reader.property(value, name), name, 0, most));
  };
  request.k = reader.number(reader.property(value, "k"), "k", 0, UINT32_MAX);
  const auto weights = reader.typedOrNull<double>(reader.property(value, "weights"), "weights");
  if (weights.present()) request.weights.assign(weights.data, weights.data + weights.length);
  if (weights.present() && weights.length != count) reader.fail("weights", "one for each search");
  request.limit = integer("limit", kMostResults);
  request.offset = integer("offset", kMostResults);
  napi_value threshold = reader.property(value, "scoreThreshold");
  if (!reader.isAbsent(threshold))
    request.threshold = reader.number(threshold, "scoreThreshold", -INFINITY, INFINITY);
  request.fields = readFields(reader, reader.property(value, "fields"), spec);
}

// Within the time there is, all or nothing. CANCELLED where it is not enough. One part after the
// other: to wake another thread takes as long as such a part.
Status searchFusedWithin(Environment& environment, Shard& shard, FusedState& state, double mostUs) {
  const Status isLong(Code::Cancelled, "it takes longer, or others are at work");
  if (mostUs <= 0 || !environment.isIdle()) return isLong;
  double expected = 0;
  for (AnySearch& part : state.parts)
    expected += std::visit([&](auto& one) { return one.expectedNs(shard); }, part);
  if (!(expected < mostUs * 1000)) return isLong;
  const CancelFlag deadline(timeIn(mostUs));
  std::vector<const SearchResult*> rankings;
  for (AnySearch& part : state.parts) {
    VICINAL_TRY(
        std::visit([&](auto& one) { return one.run(shard, &deadline, Waiting::Refused); }, part));
    std::visit([&](auto& one) { rankings.push_back(&one.result); }, part);
  }
  const std::vector<FusedHit> hits = fuseRanks(rankings, state.request);
  std::vector<PointId> ids;
  for (const FusedHit& hit : hits) ids.push_back(hit.id);
  std::vector<RowRef> rows;
  const auto snapshot = shard.tryLocate(ids, rows);
  if (!snapshot) return isLong;
  return readFused(*snapshot, shard.spec().vectors, state.request, hits, rows, state.result);
}

// Null where it would hold the thread too long: its parts are searched one by one then.
napi_value searchFusedMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  FusedState state;
  readFusedRequest(arguments, arguments[1], handle->shard()->spec(), state);
  const double inlineUs =
      arguments.number(arguments.property(arguments[1], "inlineUs"), "inlineUs", 0, kMostInlineUs);
  if (arguments.failed()) return nullptr;
  const Status status = searchFusedWithin(*Environment::of(env), *handle->shard(), state, inlineUs);
  if (status.isOk()) return searchResult(env, state.result);
  if (status.code() != Code::Cancelled) {
    throwError(env, codeName(status.code()), status.message());
    return nullptr;
  }
  napi_value none = nullptr;
  napi_get_null(env, &none);
  return none;
}

} // namespace

void defineSearchMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"search", searchMethod<DenseSearch>},
      {"searchPlain", searchPlainMethod},
      {"searchSparse", searchMethod<SparseSearch>},
      {"searchFused", searchFusedMethod},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
