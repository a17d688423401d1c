#include "shard/timed_searches.hpp"

#include <chrono>
#include <cmath>

#include "search/scroll.hpp"

namespace vicinal {

namespace {

using Clock = CancelFlag::Clock;

// The same search takes longer on the pool: its threads have slept and their caches hold other
// data. The recorded pace is that of the JavaScript thread, so pool times are divided by this.
constexpr double kSlowerOnPool = 1.5;
// A search without a filter can be parked if at least this share of its distances is in its walk.
constexpr double kMostlyWalked = 0.9;
// A parked search that has used this much time is slower than predicted, so it moves to the pool.
constexpr double kMostSpentNs = 1'000'000;

double nanosecondsHere(double tookNs, Waiting waiting) {
  return waiting == Waiting::Refused ? tookNs : tookNs / kSlowerOnPool;
}

double nanosecondsSince(Clock::time_point started) {
  return std::chrono::duration<double, std::nano>(Clock::now() - started).count();
}

// Whether points were written since the snapshot. An older row of an updated point must then be
// searched for among all rows, each time the parked search resumes. That is too slow for the
// JavaScript thread.
bool hasGrown(const Snapshot& snapshot) { return snapshot.segment(0).rows() != snapshot.rows(0); }

// An explained search also counts the matches. That time does not count as the search's.
Status countExplained(const Snapshot& snapshot, const RankedRequest& request,
                      const CancelFlag* cancel, SearchResult& result) {
  if (!request.explains || !request.filter) return Status::ok();
  return countMatches(snapshot, snapshot.vectorsNamed(), request.filter, cancel, result.segments);
}

// Of a search that was to be reported if it is slow. `earlierNs` is the time before it was parked.
void keepReports(const RankedRequest& request, double earlierNs, SearchResult& result) {
  if (!request.explains && result.stats.tookUs < request.reportsFromUs) result.segments.clear();
  // Only searches of a single segment are parked.
  if (earlierNs > 0 && result.segments.size() == 1) result.segments[0].tookUs += earlierNs / 1000;
}

} // namespace

const DistanceEstimate& DenseSearch::estimateOf(const Snapshot& snapshot) {
  if (!estimate_) estimate_ = estimateDistances(snapshot, request);
  return *estimate_;
}

double DenseSearch::expectedNs(Shard& shard, const Snapshot& snapshot) {
  if (request.filter && (request.examples || request.explains)) return INFINITY;
  if (mayWaitForFile(snapshot, request)) return INFINITY;
  if (request.filter) return shard.filteredPace(request.vector).nanoseconds(request.filter);
  if (!parked_.isParked()) shard.meter(request.vector).adjust(request);
  return shard.pace(request.vector).nanoseconds(estimateOf(snapshot).all);
}

// With several segments, resuming would repeat the segments before the parked one. Explained
// searches must run in one go, and scans of vectors cannot be parked.
bool DenseSearch::canPark(Shard& shard, const Snapshot& snapshot) {
  if (snapshot.count() != 1 || request.examples || request.explains) return false;
  if (shard.spec().vectors[request.vector].isMulti || spentNs_ >= kMostSpentNs) return false;
  if (request.filter)
    return !request.isExact && request.recall < 1 && !(parked_.isParked() && hasGrown(snapshot)) &&
           shard.filteredPace(request.vector).parks(request.filter);
  const DistanceEstimate& estimate = estimateOf(snapshot);
  return estimate.walked > estimate.all * kMostlyWalked;
}

template <typename Work>
Status DenseSearch::timed(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel,
                          Waiting waiting, const Work& work) {
  RecallMeter& meter = shard.meter(request.vector);
  WalkLength& length = shard.walkLength(request.vector);
  // A resumed search keeps its original plan.
  if (!parked_.isParked()) {
    meter.adjust(request);
    request.walkLength = length.typical();
  }
  result = {};
  const uint32_t parkings = parked_.parkings();
  const auto started = Clock::now();
  const Status status = work();
  const double runNs = nanosecondsSince(started);
  if (status.code() == Code::Cancelled && parked_.parkings() != parkings) {
    spentNs_ += runNs;
    return status;
  }
  const bool isOutOfTime = status.code() == Code::Cancelled && cancel && cancel->isCancelled();
  if (isOutOfTime && request.filter && request.parked != nullptr)
    shard.filteredPace(request.vector).couldNotPark(request.filter);
  if (parked_.isParked()) {
    // This run did not use the parked state.
    parked_.drop();
    spentNs_ = 0;
  }
  const double hereNs = spentNs_ + nanosecondsHere(runNs, waiting);
  const double tookNs = spentNs_ + runNs;
  // A search that was cancelled before it began shows nothing about its time. One that was given up
  // after its expected time does.
  if (status.isOk() || hereNs > expectedNs(shard, snapshot)) {
    if (request.filter && !request.examples)
      shard.filteredPace(request.vector)
          .learn(request.filter, hereNs, canPark(shard, snapshot) ? Parks::Yes : Parks::No);
    else if (const double distances = estimateOf(snapshot).all; std::isfinite(distances))
      shard.pace(request.vector).learn(distances, hereNs);
  }
  if (result.stats.hasDueGraph) shard.indexer().kick();
  if (const SearchStats& stats = result.stats; status.isOk() && stats.typical > 0)
    length.learn(stats.walked / stats.typical);
  // Only finished searches are noted: one that is given up here is repeated on the pool and would
  // count twice.
  const bool isOfOneVector = !request.examples && !shard.spec().vectors[request.vector].isMulti;
  if (status.isOk() && isOfOneVector) meter.note(request);
  result.stats.tookUs = tookNs / 1000;
  keepReports(request, spentNs_, result);
  return status;
}

Status DenseSearch::run(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel,
                        Waiting waiting) {
  VICINAL_TRY(timed(shard, snapshot, cancel, waiting, [&] {
    return vicinal::search(snapshot, shard.spec().vectors, request, cancel, result, waiting);
  }));
  return countExplained(snapshot, request, cancel, result);
}

Status DenseSearch::rank(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel,
                         Waiting waiting) {
  return timed(shard, snapshot, cancel, waiting, [&] {
    return vicinal::rank(snapshot, shard.spec().vectors, request, cancel, result, hits, waiting);
  });
}

// With a filter, its recorded times tell more than postings.
double SparseSearch::postingsOf(const Snapshot& snapshot) {
  takeTextApart(request);
  const bool isByFilter = request.filter && !request.examples && !request.corpus;
  if (postings_ < 0) postings_ = isByFilter ? 0 : estimatePostings(snapshot, request);
  return postings_;
}

double SparseSearch::expectedNs(Shard& shard, const Snapshot& snapshot) {
  const double postings = postingsOf(snapshot);
  if (!std::isfinite(postings) || (request.filter && request.explains)) return INFINITY;
  if (request.filter) return shard.filteredPace(vectorOf(shard)).nanoseconds(request.filter);
  return shard.sparsePace(vectorOf(shard)).nanoseconds(postings);
}

template <typename Work>
Status SparseSearch::timed(Shard& shard, const Snapshot& snapshot, Waiting waiting,
                           const Work& work) {
  const double postings = postingsOf(snapshot);
  result = {};
  const auto started = Clock::now();
  const Status status = work();
  const double tookNs = nanosecondsSince(started);
  const double hereNs = nanosecondsHere(tookNs, waiting);
  const bool tells = status.isOk() || hereNs > expectedNs(shard, snapshot);
  if (tells && std::isfinite(postings)) {
    if (request.filter)
      shard.filteredPace(vectorOf(shard)).learn(request.filter, hereNs, Parks::No);
    else
      shard.sparsePace(vectorOf(shard)).learn(postings, hereNs);
  }
  // These lists may be the last reference to a run; freeing them here keeps that work off the
  // caller's thread.
  if (status.isOk()) request.found.clear();
  result.stats.tookUs = tookNs / 1000;
  keepReports(request, 0, result);
  return status;
}

Status SparseSearch::run(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel,
                         Waiting waiting) {
  VICINAL_TRY(timed(shard, snapshot, waiting, [&] {
    return searchSparse(snapshot, shard.spec().vectors, request, cancel, result, waiting);
  }));
  return countExplained(snapshot, request, cancel, result);
}

Status SparseSearch::rank(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel,
                          Waiting waiting) {
  return timed(shard, snapshot, waiting,
               [&] { return vicinal::rank(snapshot, request, cancel, result, hits, waiting); });
}

} // namespace vicinal
