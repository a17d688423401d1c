#include "search/segment_search.hpp"

#include <algorithm>
#include <cmath>

#include "graph/hnsw_search.hpp"
#include "search/search_cost.hpp"

namespace vicinal {

namespace {

// Most distances computed between two looks at the cancel flag, and the scratch of a scan.
constexpr uint32_t kScanBlock = 1024;
// And the most bytes of vectors: some tens of microseconds.
constexpr uint32_t kScanBlockBytes = 512 * 1024;
constexpr uint32_t kSampledRows = 128;
// How many of the candidates that codes found are scored exactly: what codes can put in the wrong
// order lies near the last one wanted.
constexpr size_t kRescoredPerWanted = 2;
constexpr size_t kRescoredAtLeast = 16;

uint32_t scanBlock(uint32_t dim) {
  return std::clamp<uint32_t>(kScanBlockBytes / (dim * sizeof(float)), 1, kScanBlock);
}

Status cancelled() { return Status(Code::Cancelled, "the search was cancelled"); }

} // namespace

SegmentSearch::SegmentSearch(const SegmentView& view, const Snapshot& snapshot,
                             const SearchRequest& request, const FilterNode* filter, size_t wanted,
                             const CancelFlag* cancel, Waiting waiting, SearchStats& stats)
    : view_(view), rows_(view, snapshot), request_(request), filter_(filter),
      space_(view.segment->space(request.vector)), wanted_(wanted), cancel_(cancel),
      waiting_(waiting), stats_(stats), linked_(space_.linked()), vertices_(space_.vertices()),
      ef_(static_cast<uint32_t>(std::max<size_t>(request.ef, wanted))) {}

Status SegmentSearch::run(std::vector<Neighbor>& nearest) {
  nearest.clear();
  return filter_ == nullptr ? runUnfiltered(nearest) : runFiltered(*filter_, nearest);
}

template <typename Accept>
Status SegmentSearch::scanRange(uint32_t from, uint32_t to, const Accept& accept, TopK& top) {
  thread_local std::vector<float> distances(kScanBlock);
  const uint32_t block = scanBlock(space_.spec().dim);
  for (uint32_t first = from; first < to; first += block) {
    if (isCancelled()) return cancelled();
    const uint32_t count = std::min(block, to - first);
    space_.space().scan(request_.query.data(), first, count, distances.data());
    stats_.distances += count;
    for (uint32_t at = 0; at < count; at++) {
      if (distances[at] <= top.bound() && accept(first + at))
        top.offer({distances[at], first + at});
    }
  }
  return Status::ok();
}

template <typename Accept>
Status SegmentSearch::searchGraph(const Accept& accept, uint64_t budget,
                                  std::vector<Neighbor>& found, bool& isComplete) {
  SearchOptions options;
  options.ef = ef_;
  options.maxDistances = budget;
  options.cancel = cancel_;
  SearchReport report;
  const auto codes = space_.codes();
  if (!codes) {
    const FloatScorer scorer{space_.space(), request_.query.data()};
    report = space_.graph().search(scorer, options, accept, found);
  } else {
    thread_local Sq8Query query;
    codes->space().prepare(request_.query.data(), query);
    report = space_.graph().search(Sq8Scorer{codes->space(), query}, options, accept, found);
    VICINAL_TRY(rescore(found));
  }
  stats_.distances += report.distances;
  stats_.visited += report.hops;
  isComplete = report.end == SearchEnd::Complete;
  return report.end == SearchEnd::Cancelled ? cancelled() : Status::ok();
}

// Codes order candidates nearly as their vectors do; the foremost are scored exactly, the rest is
// dropped.
Status SegmentSearch::rescore(std::vector<Neighbor>& found) {
  found.resize(std::min(found.size(), kRescoredPerWanted * wanted_ + kRescoredAtLeast));
  thread_local std::vector<uint32_t> vertices;
  thread_local std::vector<float> distances;
  vertices.clear();
  for (const Neighbor& neighbor : found) vertices.push_back(neighbor.vertex);
  distances.resize(found.size());
  if (const auto cold = space_.coldVectors())
    VICINAL_TRY(scoreFromFile(*cold, vertices, distances.data()));
  else
    space_.space().distances(request_.query.data(), vertices.data(), vertices.size(),
                             distances.data());
  for (size_t at = 0; at < found.size(); at++) found[at].distance = distances[at];
  std::sort(found.begin(), found.end(), isNearer);
  stats_.distances += found.size();
  return Status::ok();
}

Status SegmentSearch::scoreFromFile(const ColdVectors& cold, const std::vector<uint32_t>& vertices,
                                    float* out) {
  thread_local std::vector<float> vector;
  vector.resize(space_.spec().dim);
  const Space& space = space_.space();
  for (size_t at = 0; at < vertices.size(); at++) {
    const bool isInFile = vertices[at] < cold.vertices();
    if (isInFile) VICINAL_TRY(cold.read(vertices[at], vector.data(), waiting_ == Waiting::Allowed));
    const float* const read = isInFile ? vector.data() : space_.vector(vertices[at]);
    out[at] = space.distanceFn(request_.query.data(), read, space.dim);
  }
  return Status::ok();
}

Status SegmentSearch::searchLinked(std::vector<Neighbor>& found) {
  bool isComplete = false;
  // With nothing deleted and nothing newer than the snapshot in the graph, every vertex of it may
  // be an answer.
  const bool acceptsAll = view_.segment->deletedRows() == 0 && space_.isIdentity() &&
                          vertices_ <= view_.rows && linked_ == vertices_;
  if (acceptsAll) {
    VICINAL_TRY(searchGraph(AcceptAll{}, UINT64_MAX, found, isComplete));
    const bool isCurrent = std::all_of(found.begin(), found.end(),
                                       [&](const Neighbor& n) { return n.vertex < linked_; });
    // Vertices that were linked while the search ran are not the snapshot's, and may have crowded
    // out others.
    if (isCurrent) return Status::ok();
  }
  const auto accept = [&](uint32_t vertex) {
    return vertex < linked_ && view_.isVisible(space_.rowOf(vertex));
  };
  return searchGraph(accept, UINT64_MAX, found, isComplete);
}

Status SegmentSearch::runUnfiltered(std::vector<Neighbor>& nearest) {
  const bool usesGraph = !request_.isExact && linked_ > 0;
  thread_local std::vector<Neighbor> found;
  found.clear();
  if (usesGraph) VICINAL_TRY(searchLinked(found));
  const uint32_t scanFrom = usesGraph ? linked_ : 0;
  const uint32_t scanTo = request_.isIndexedOnly && !request_.isExact ? scanFrom : vertices_;
  stats_.note(usesGraph ? (scanTo > scanFrom ? "graph+tail" : "graph") : "scan");
  if (scanFrom >= scanTo) {
    nearest.assign(found.begin(),
                   found.begin() + static_cast<ptrdiff_t>(std::min(found.size(), wanted_)));
    return Status::ok();
  }
  TopK top(wanted_);
  for (const Neighbor& neighbor : found) top.offer(neighbor);
  const auto accept = [&](uint32_t vertex) { return view_.isVisible(space_.rowOf(vertex)); };
  VICINAL_TRY(scanRange(scanFrom, scanTo, accept, top));
  nearest = top.takeSorted();
  return Status::ok();
}

bool SegmentSearch::matches(const FilterPlan& plan, uint32_t vertex) const {
  const uint32_t row = space_.rowOf(vertex);
  return view_.isVisible(row) && plan.passes(rows_, row);
}

double SegmentSearch::sampleMatches(const FilterPlan& plan) const {
  if (plan.isComplete()) return 1;
  uint32_t looked = 0;
  uint32_t matched = 0;
  const auto look = [&](uint32_t row) {
    looked++;
    matched += plan.passes(rows_, row) ? 1 : 0;
  };
  if (const RowBitmap* candidates = plan.candidates()) {
    const uint32_t step = std::max(1u, candidates->count() / kSampledRows);
    uint32_t at = 0;
    candidates->forEach([&](uint32_t row) {
      if (at++ % step == 0) look(row);
    });
  } else {
    // Multiples of the golden ratio: neither a run of neighbours nor in step with any period of
    // theirs.
    for (uint32_t at = 0; at < std::min(kSampledRows, view_.rows); at++) {
      const double turns = at * 0.6180339887498949;
      look(static_cast<uint32_t>((turns - std::floor(turns)) * view_.rows));
    }
  }
  return looked == 0 ? 0 : static_cast<double>(matched) / looked;
}

SegmentSearch::Costs SegmentSearch::estimate(const FilterPlan& plan, double matchShare) const {
  const double candidates = plan.candidates() ? plan.candidates()->count() : view_.rows;
  const double distance = plan.candidates() ? 1 : kSequentialDistance;
  Costs costs;
  costs.scan = candidates * distance;
  if (!plan.isComplete()) {
    // Only what is nearer than the best so far is looked at.
    const double least = 1.0 / kSampledRows;
    const double looks = static_cast<double>(wanted_) / std::max(matchShare, least) *
                         std::log2(2 + candidates / wanted_);
    costs.scan += std::min(candidates, looks) * kEvaluation;
  }
  const double share = candidates * matchShare / std::max(1u, view_.rows);
  const double perVertex = plan.isComplete() ? 1 : 1 + kEvaluation;
  costs.graph = share <= 0 ? INFINITY : kDistancesPerEf * ef_ / share * perVertex;
  return costs;
}

// Vertices [from, to) of candidate rows.
Status SegmentSearch::scanCandidates(const FilterPlan& plan, uint32_t from, uint32_t to,
                                     TopK& top) {
  if (plan.candidates() == nullptr)
    return scanRange(
        from, to, [&](uint32_t vertex) { return matches(plan, vertex); }, top);
  thread_local std::vector<uint32_t> vertices;
  thread_local std::vector<float> distances(kScanBlock);
  vertices.clear();
  const uint32_t block = scanBlock(space_.spec().dim);
  bool stopped = false;
  const auto scan = [&] {
    stopped = stopped || isCancelled();
    if (stopped) return;
    space_.space().distances(request_.query.data(), vertices.data(), vertices.size(),
                             distances.data());
    stats_.distances += vertices.size();
    for (size_t at = 0; at < vertices.size(); at++) {
      if (distances[at] <= top.bound() && matches(plan, vertices[at]))
        top.offer({distances[at], vertices[at]});
    }
    vertices.clear();
  };
  plan.candidates()->forEach([&](uint32_t row) {
    const uint32_t vertex = space_.vertexOf(row);
    if (vertex < from || vertex >= to) return;
    vertices.push_back(vertex);
    if (vertices.size() == block) scan();
  });
  scan();
  return stopped ? cancelled() : Status::ok();
}

Status SegmentSearch::runFiltered(const FilterNode& filter, std::vector<Neighbor>& nearest) {
  const auto indexes = view_.segment->indexes();
  FilterPlan plan = planFilter(filter, rows_, *indexes);
  const double matchShare = sampleMatches(plan);
  const uint32_t candidates = plan.candidates() ? plan.candidates()->count() : view_.rows;
  stats_.matches += static_cast<uint64_t>(candidates * matchShare);
  if (candidates == 0) return Status::ok();
  plan.prepareForPasses();

  TopK top(wanted_);
  const uint32_t end = request_.isIndexedOnly && !request_.isExact ? linked_ : vertices_;
  uint32_t scanFrom = 0;
  const Costs costs = estimate(plan, matchShare);
  if (!request_.isExact && linked_ > 0 && costs.graph < costs.scan) {
    const double budget = costs.scan / (plan.isComplete() ? 1 : 1 + kEvaluation);
    thread_local std::vector<Neighbor> found;
    bool isComplete = false;
    const auto accept = [&](uint32_t vertex) { return vertex < linked_ && matches(plan, vertex); };
    VICINAL_TRY(searchGraph(accept, static_cast<uint64_t>(budget), found, isComplete));
    if (isComplete) {
      for (const Neighbor& neighbor : found) top.offer(neighbor);
      scanFrom = linked_;
    }
    stats_.note(isComplete ? "filtered graph" : "filtered graph, then scan of matches");
  } else {
    stats_.note("scan of matches");
  }
  VICINAL_TRY(scanCandidates(plan, scanFrom, end, top));
  nearest = top.takeSorted();
  return Status::ok();
}

} // namespace vicinal
