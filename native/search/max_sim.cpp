#include "search/max_sim.hpp"

#include <algorithm>
#include <cfloat>

#include "search/search_cost.hpp"
#include "search/walk_plan.hpp"

namespace vicinal {

namespace {

// More lead to more rows to score, fewer to rows missed that are middling for every vector.
constexpr size_t kLeastPerVector = 32;
constexpr size_t kPerWanted = 2;
// Looks at the cancel flag are so many components apart: some tens of microseconds.
constexpr uint64_t kComponentsBetweenChecks = 1 << 18;
constexpr uint32_t kVectorsAtOnce = 512;

} // namespace

MaxSimSearch::MaxSimSearch(const SegmentView& view, const Snapshot& snapshot,
                           const SearchRequest& request, const FilterNode* filter, size_t wanted,
                           const CancelFlag* cancel, Waiting waiting, SearchStats& stats)
    : view_(view), rows_(view, snapshot), request_(request),
      space_(view.segment->space(request.vector)),
      queryVectors_(request.query.size() / space_.spec().dim), wanted_(wanted),
      perVector_(std::max(kLeastPerVector, kPerWanted * wanted)), cancel_(cancel),
      waiting_(waiting), stats_(stats), linked_(space_.linked()) {
  if (filter == nullptr) return;
  plan_ = planFilter(*filter, rows_, *view.segment->indexes());
  plan_->prepareForPasses();
  stats_.matches += plan_->cardinality().expected;
}

void MaxSimSearch::note(const char* strategy) {
  strategy_ = strategy;
  stats_.note(strategy);
}

Status MaxSimSearch::run(std::vector<Neighbor>& nearest) {
  nearest.clear();
  TopK top(wanted_);
  const bool isAll = request_.isExact || (request_.ef == 0 && request_.recall >= 1);
  if (!isAll && linked_ > 0 && !isScanCheaper()) {
    const auto found = scoreNearest(top);
    if (!found) return found.status();
    if (*found) {
      note("rows of the nearest vectors");
      stats_.recall = 0;
      nearest = top.takeSorted();
      return Status::ok();
    }
    top = TopK(wanted_);
  }
  note("scan of rows");
  VICINAL_TRY(scanAll(top));
  nearest = top.takeSorted();
  return Status::ok();
}

// In distances: what walks for all of the query's vectors take, and scoring what they lead to.
bool MaxSimSearch::isScanCheaper() const {
  const double rows = plan_ ? plan_->candidateCount() : view_.rows;
  const double perRow = double(space_.vertices()) / std::max(1u, view_.rows);
  const auto plan = planWalk(space_, request_, perVector_, linked_);
  if (!plan) return true;
  const double vectors = double(queryVectors_);
  const double share = rows / std::max(1u, view_.rows);
  const double walks = vectors * plan->distances / std::max(share, 1e-6);
  const double scoring = vectors * double(perVector_) * perRow * vectors * kSequentialDistance;
  return rows * perRow * vectors * kSequentialDistance <= walks + scoring;
}

Status MaxSimSearch::scanAll(TopK& top) {
  Status status = Status::ok();
  const auto score = [&](uint32_t row) {
    if (status && matches(row)) status = scoreRow(row, top);
  };
  if (const RowBitmap* candidates = plan_ ? plan_->candidates() : nullptr)
    candidates->forEach(score);
  else
    for (uint32_t row = 0; row < view_.rows && status; row++) score(row);
  return status;
}

Result<bool> MaxSimSearch::scoreNearest(TopK& top) {
  RowBitmap rows(view_.rows);
  for (size_t at = 0; at < queryVectors_; at++)
    VICINAL_TRY(seek(request_.query.data() + at * space_.spec().dim, rows));
  // What no graph has yet.
  if (!request_.isIndexedOnly)
    for (uint32_t vertex = linked_; vertex < space_.vertices(); vertex++) {
      const uint32_t row = space_.rowOf(vertex);
      if (row < view_.rows) rows.add(row);
    }
  Status status = Status::ok();
  rows.forEach([&](uint32_t row) {
    if (status && matches(row)) status = scoreRow(row, top);
  });
  if (!status) return status;
  const uint32_t candidates = plan_ ? plan_->candidateCount() : view_.segment->liveRows();
  return top.size() >= std::min<size_t>(wanted_, candidates);
}

Status MaxSimSearch::seek(const float* vector, RowBitmap& rows) {
  const auto plan = planWalk(space_, request_, perVector_, linked_);
  if (!plan) return Status::ok();
  SpaceSearch search(space_, vector, waiting_, stats_);
  SearchOptions options = plan->options;
  options.cancel = cancel_;
  std::vector<Neighbor> found;
  SearchEnd end = SearchEnd::Complete;
  // Exactness comes with the score of the row.
  search.keepCodeDistances();
  const auto accept = [&](uint32_t vertex) {
    return vertex < linked_ && matches(space_.rowOf(vertex));
  };
  VICINAL_TRY(search.walk(options, perVector_, accept, found, end));
  for (const Neighbor& neighbor : found) rows.add(space_.rowOf(neighbor.vertex));
  return Status::ok();
}

Result<const float*> MaxSimSearch::vectorsOf(uint32_t first, uint32_t count) const {
  const auto cold = space_.coldVectors();
  if (!cold || first + count > cold->vertices()) return space_.vector(first);
  thread_local std::vector<float> read;
  const uint32_t dim = space_.spec().dim;
  read.resize(size_t(count) * dim);
  for (uint32_t at = 0; at < count; at++)
    VICINAL_TRY(cold->read(first + at, &read[size_t(at) * dim], waiting_ == Waiting::Allowed));
  return read.data();
}

Status MaxSimSearch::checkCancelled(uint64_t components) {
  sinceCheck_ += components;
  if (sinceCheck_ < kComponentsBetweenChecks) return Status::ok();
  sinceCheck_ = 0;
  const bool isCancelled = cancel_ != nullptr && cancel_->isCancelled();
  return isCancelled ? Status(Code::Cancelled, "the search was cancelled") : Status::ok();
}

Status MaxSimSearch::scoreRow(uint32_t row, TopK& top) {
  const uint32_t count = space_.verticesOf(row);
  if (count == 0) return Status::ok();
  const auto vectors = vectorsOf(space_.vertexOf(row), count);
  if (!vectors) return vectors.status();
  const VectorSpec& spec = space_.spec();
  const Space space(spec.metric, spec.dim, *vectors);
  thread_local std::vector<float> distances;
  distances.resize(std::min(count, kVectorsAtOnce));
  float sum = 0;
  for (size_t at = 0; at < queryVectors_; at++) {
    const float* const query = request_.query.data() + at * spec.dim;
    float least = FLT_MAX;
    for (uint32_t from = 0; from < count; from += kVectorsAtOnce) {
      VICINAL_TRY(checkCancelled(uint64_t(kVectorsAtOnce) * spec.dim));
      const uint32_t some = std::min(kVectorsAtOnce, count - from);
      space.scan(query, from, some, distances.data());
      least = std::min(least, *std::min_element(distances.begin(), distances.begin() + some));
    }
    sum += least;
  }
  stats_.distances += queryVectors_ * count;
  stats_.bytes += uint64_t(count) * spec.dim * sizeof(float);
  top.offer({sum, row});
  return Status::ok();
}

SegmentReport MaxSimSearch::report() const {
  SegmentReport report;
  report.segment = view_.segment->number();
  report.points = view_.segment->liveRows();
  report.linked = linked_;
  report.tail = space_.vertices() - linked_;
  report.strategy = strategy_;
  return report;
}

} // namespace vicinal
