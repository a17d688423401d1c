// Searches, by dense vectors and by sparse ones. What they are asked for is copied, so nothing of
// it is pinned.
#include <chrono>
#include <cmath>

#include "binding/bounds.hpp"
#include "binding/methods.hpp"
#include "binding/read_input.hpp"
#include "binding/search_input.hpp"
#include "binding/search_result.hpp"
#include "binding/shard_handle.hpp"

namespace vicinal::binding {

namespace {

using Nanoseconds = std::chrono::duration<double, std::nano>;

struct DenseSearch {
  SearchRequest request;
  SearchResult result;

  void read(Reader& reader, napi_value value, const ShardSpec& spec) {
    readSearch(reader, value, spec, request);
  }

  double expectedNs(Shard& shard) const {
    if (request.filter && request.examples) return INFINITY;
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
    return status;
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
    if (!std::isfinite(postings)) return INFINITY;
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
    return status;
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

// Searches here and now where that is cheaper than a hop to the pool and back: where nothing else
// is under way that could run beside it, and where it is expected to end within `mostUs`. A wrong
// guess is given up at that time. True when it has been done.
template <typename Search>
bool searchedInline(Environment& environment, Shard& shard, Search& search, double mostUs,
                    Status& status) {
  if (mostUs <= 0 || !environment.isIdle()) return false;
  if (!(search.expectedNs(shard) < mostUs * 1000)) return false;
  const CancelFlag deadline(CancelFlag::Clock::now() +
                            std::chrono::nanoseconds(static_cast<int64_t>(mostUs * 1000)));
  status = search.run(shard, &deadline, Waiting::Refused);
  if (status.code() != Code::Cancelled) return true;
  search.result = {};
  return false;
}

template <typename Search> napi_value searchMethod(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  auto search = std::make_shared<Search>();
  search->read(arguments, arguments[1], handle->shard()->spec());
  const uint64_t cancelNumber = readCancel(arguments, arguments.property(arguments[1], "cancel"));
  const double inlineUs =
      arguments.number(arguments.property(arguments[1], "inlineUs"), "inlineUs", 0, kMostInlineUs);
  if (arguments.failed()) return nullptr;
  Status status;
  if (searchedInline(*Environment::of(env), *handle->shard(), *search, inlineUs, status)) {
    if (status.isOk()) return searchResult(env, search->result);
    throwError(env, codeName(status.code()), status.message());
    return nullptr;
  }
  return readOnShard(
      handle, env, cancelNumber,
      [search](Shard& shard, const CancelFlag* cancel) {
        return search->run(shard, cancel, Waiting::Allowed);
      },
      [search](napi_env live) { return searchResult(live, search->result); });
}

} // namespace

void defineSearchMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"search", searchMethod<DenseSearch>},
      {"searchSparse", searchMethod<SparseSearch>},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
