#include "search/search.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "search/answer.hpp"
#include "search/example_search.hpp"
#include "search/max_sim.hpp"
#include "search/search_cost.hpp"
#include "search/value_search.hpp"
#include "search/walk_plan.hpp"

namespace vicinal {

namespace {

struct Hit {
  float distance;
  RowRef row;
  PointId id;
};

bool isBetter(const Hit& a, const Hit& b) {
  return a.distance < b.distance || (a.distance == b.distance && a.id < b.id);
}

// Converts a distance to the score that callers see.
float scoreFor(const SearchRequest& request, Metric metric, float distance) {
  return request.examples ? -distance : scoreOf(metric, distance);
}

bool meetsThreshold(const SearchRequest& request, Metric metric, float score) {
  const bool isGreaterBetter =
      request.examples || metric == Metric::Cosine || metric == Metric::Dot;
  return isGreaterBetter ? score >= request.threshold : score <= request.threshold;
}

// Sorts the hits and keeps the requested page, without excluded ids and hits beyond the threshold.
void choosePage(const SearchRequest& request, Metric metric, std::vector<Hit>& hits) {
  if (!request.exclude.empty()) {
    std::erase_if(hits, [&](const Hit& hit) {
      return std::find(request.exclude.begin(), request.exclude.end(), hit.id) !=
             request.exclude.end();
    });
  }
  if (request.hasThreshold) {
    std::erase_if(hits, [&](const Hit& hit) {
      return !meetsThreshold(request, metric, scoreFor(request, metric, hit.distance));
    });
  }
  std::sort(hits.begin(), hits.end(), isBetter);
  keepPage(request, hits);
}

// Reports the counts that one segment's search added.
class Explainer {
public:
  explicit Explainer(SearchResult& result) : result_(result), before_(result.stats) {}

  void add(SegmentReport report, uint64_t payloadBytes) {
    const std::chrono::duration<double, std::micro> took =
        std::chrono::steady_clock::now() - started_;
    const SearchStats& now = result_.stats;
    report.matches = now.matches - before_.matches;
    report.visited = now.visited - before_.visited;
    report.distances = now.distances - before_.distances;
    report.rescored = now.rescored - before_.rescored;
    report.rescoreUs = now.rescoreUs - before_.rescoreUs;
    report.bytes = now.bytes - before_.bytes;
    report.payloadBytes = payloadBytes;
    report.tookUs = took.count();
    result_.segments.push_back(report);
  }

private:
  SearchResult& result_;
  const SearchStats before_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

// Chooses the requested page, best first.
Status choose(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
              const SearchRequest& request, const FilterNode* filter, const CancelFlag* cancel,
              SearchResult& result, Waiting waiting, std::vector<Hit>& hits) {
  // Excluded ids may be among the nearest, so as many more are collected.
  const size_t wanted = size_t(request.limit) + request.offset + request.exclude.size();
  thread_local std::vector<Neighbor> nearest;
  hits.clear();
  for (size_t at = 0; at < snapshot.count() && request.limit > 0; at++) {
    Segment& segment = snapshot.segment(at);
    if (waiting == Waiting::Refused &&
        segment.space(request.vector).mayWaitForFile(request.ignoresCodes))
      return Status(Code::Cancelled, "vectors may have to be read from their file");
    std::optional<Explainer> explainer;
    if (request.reports()) explainer.emplace(result);
    const SegmentScope scope(snapshot, at, filter, cancel, waiting);
    const auto searchBy = [&](auto&& inSegment, const auto& rowOf) {
      const Status status = inSegment.run(nearest);
      if (scope.rows.work().isStopped()) {
        // Answers since the stop are meaningless, so the parked state is dropped.
        if (request.parked != nullptr) request.parked->drop();
        return scope.rows.work().status();
      }
      VICINAL_TRY(status);
      if (explainer) explainer->add(inSegment.report(), scope.rows.payloadBytes());
      for (const Neighbor& neighbor : nearest) {
        const uint32_t row = rowOf(neighbor.vertex);
        hits.push_back({neighbor.distance, {&segment, row}, segment.id(row)});
      }
      return Status::ok();
    };
    if (specs[request.vector].isMulti)
      VICINAL_TRY(searchBy(MaxSimSearch(scope, request, wanted, result.stats),
                           [](uint32_t row) { return row; }));
    else if (request.examples)
      VICINAL_TRY(
          searchBy(ExampleSearch(scope, request, wanted, result.stats),
                   [&](uint32_t vertex) { return segment.space(request.vector).rowOf(vertex); }));
    else
      VICINAL_TRY(searchBy(ValueSearch(scope, request, wanted, result.stats), [&](uint32_t vertex) {
        return segment.space(request.vector).rowOf(vertex);
      }));
  }
  choosePage(request, specs[request.vector].metric, hits);
  return Status::ok();
}

} // namespace

bool mayWaitForFile(const Snapshot& snapshot, const SearchRequest& request) {
  for (size_t at = 0; at < snapshot.count(); at++)
    if (snapshot.segment(at).space(request.vector).mayWaitForFile(request.ignoresCodes))
      return true;
  return false;
}

Status search(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
              const SearchRequest& request, const CancelFlag* cancel, SearchResult& result,
              Waiting waiting) {
  const Metric metric = specs[request.vector].metric;
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(request.filter, snapshot.vectorsNamed(), snapshot, cancel, program));
  const FilterNode* filter = program ? &program->root() : nullptr;
  thread_local std::vector<Hit> hits;
  VICINAL_TRY(choose(snapshot, specs, request, filter, cancel, result, waiting, hits));
  const auto score = [&](const Hit& hit) { return scoreFor(request, metric, hit.distance); };
  return readAnswer(snapshot, specs, filter, request, hits, score, result, cancel, waiting);
}

Status rank(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
            const SearchRequest& request, const CancelFlag* cancel, SearchResult& result,
            std::vector<RankedHit>& hits, Waiting waiting) {
  const Metric metric = specs[request.vector].metric;
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(request.filter, snapshot.vectorsNamed(), snapshot, cancel, program));
  const FilterNode* filter = program ? &program->root() : nullptr;
  thread_local std::vector<Hit> found;
  VICINAL_TRY(choose(snapshot, specs, request, filter, cancel, result, waiting, found));
  hits.clear();
  hits.reserve(found.size());
  for (const Hit& hit : found)
    hits.push_back({scoreFor(request, metric, hit.distance), hit.row, hit.id});
  return Status::ok();
}

DistanceEstimate estimateDistances(const Snapshot& snapshot, const SearchRequest& request) {
  constexpr DistanceEstimate kUnknown{INFINITY, 0};
  if (request.filter || request.examples) return kUnknown;
  const size_t wanted = size_t(request.limit) + request.offset + request.exclude.size();
  DistanceEstimate estimate;
  for (size_t at = 0; at < snapshot.count() && request.limit > 0; at++) {
    const VectorSpace& space = snapshot.segment(at).space(request.vector);
    if (space.spec().isMulti) return kUnknown;
    const uint32_t linked = space.linked();
    const uint32_t vertices = space.vertices();
    const auto plan = planWalk(space, request, wanted, linked);
    if (plan) estimate.walked += std::min<double>(linked, plan->distances);
    if (plan && request.isIndexedOnly) continue;
    const uint32_t from = plan ? linked : 0;
    estimate.all += kSequentialDistance * (vertices - std::min(from, vertices));
  }
  estimate.all += estimate.walked;
  return estimate;
}

} // namespace vicinal
