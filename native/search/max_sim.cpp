#include "search/max_sim.hpp"

#include <algorithm>
#include <cfloat>

#include "search/search_cost.hpp"
#include "search/walk_plan.hpp"

namespace vicinal {

namespace {

// Neighbours for each vector of the query. More lead to more rows to score; fewer miss rows that
// are moderately near to every vector.
constexpr size_t kLeastPerVector = 32;
constexpr size_t kPerWanted = 2;
// Components between two looks at the cancel flag: some tens of microseconds.
constexpr uint64_t kComponentsBetweenChecks = 1 << 18;
// Asking whether a row matches costs as much as comparing this many components.
constexpr uint64_t kComponentsPerRow = 256;
constexpr uint64_t kLeastVectorsAtOnce = 4;

} // namespace

MaxSimSearch::MaxSimSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
                           SearchStats& stats)
    : scope_(scope), request_(request), space_(scope.segment.space(request.vector)),
      compared_((request.examples ? request.examples->vectors : request.query).size() /
                space_.spec().dim),
      wanted_(wanted), perVector_(std::max(kLeastPerVector, kPerWanted * wanted)), stats_(stats),
      linked_(space_.linked()) {
  if (scope.filter == nullptr) return;
  plan_ = scope.planned();
  plan_->prepareForPasses();
  stats_.matches += plan_->cardinality().expected;
}

size_t MaxSimSearch::leading() const {
  if (!request_.examples) return compared_;
  const Examples& examples = *request_.examples;
  const bool leads =
      examples.combine == Examples::Combine::BestScore ||
      (examples.combine == Examples::Combine::SumScores && examples.positives == examples.count);
  size_t vectors = 0;
  for (uint32_t at = 0; leads && at < examples.positives; at++) vectors += examples.counts[at];
  return vectors;
}

const float* MaxSimSearch::compared(size_t at) const {
  const auto& vectors = request_.examples ? request_.examples->vectors : request_.query;
  return vectors.data() + at * space_.spec().dim;
}

void MaxSimSearch::note(const char* strategy, const char* whyNoWalk) {
  strategy_ = strategy;
  whyNoWalk_ = whyNoWalk;
  stats_.note(strategy);
}

const char* MaxSimSearch::whyNoWalk() {
  if (request_.isExact) return "exact";
  if (!space_.hasGraph()) return "no graph";
  if (request_.ef == 0 && request_.recall >= 1) return "all";
  if (linked_ == 0) return "empty";
  if (leading() == 0) return "examples";
  return isScanCheaper() ? "costs less" : "";
}

Status MaxSimSearch::run(std::vector<Neighbor>& nearest) {
  nearest.clear();
  TopK top(wanted_);
  const char* why = whyNoWalk();
  if (*why == 0) {
    const auto found = scoreNearest(top);
    if (!found) return found.status();
    if (*found) {
      note("rows of the nearest vectors", "");
      stats_.recall = 0;
      nearest = top.takeSorted();
      return Status::ok();
    }
    top = TopK(wanted_);
    why = "too few";
  }
  note("scan of rows", why);
  VICINAL_TRY(scanAll(top));
  nearest = top.takeSorted();
  return Status::ok();
}

// Compares, in distances, walks for all vectors of the query plus scoring their rows with scoring
// all rows.
bool MaxSimSearch::isScanCheaper() {
  const double all = std::max(1u, scope_.view.rows);
  const double rows = plan_ ? plan_->candidateCount() : all;
  const double perRow = double(space_.vertices()) / all;
  const auto plan = planWalkToOne(space_, request_, perVector_, linked_);
  if (!plan) return true;
  const double sought = double(leading());
  const double perScore = perRow * double(compared_) * kSequentialDistance;
  const double walks = sought * plan->distances / std::max(rows / all, 1e-6);
  plannedDistances_ = walks + sought * double(perVector_) * perRow * double(compared_);
  return rows * perScore <= walks + sought * double(perVector_) * perScore;
}

Status MaxSimSearch::scanAll(TopK& top) {
  Status status = Status::ok();
  const auto score = [&](uint32_t row) {
    if (status) status = checkCancelled(kComponentsPerRow);
    if (status && matches(row)) status = scoreRow(row, top);
  };
  if (const RowBitmap* candidates = plan_ ? plan_->candidates() : nullptr)
    candidates->forEach(score);
  else
    for (uint32_t row = 0; row < scope_.view.rows && status; row++) score(row);
  return status;
}

Result<bool> MaxSimSearch::scoreNearest(TopK& top) {
  RowBitmap rows(scope_.view.rows);
  for (size_t at = 0, sought = leading(); at < sought; at++) VICINAL_TRY(seek(compared(at), rows));
  // Rows of the tail, which no graph has yet.
  if (!request_.isIndexedOnly)
    for (uint32_t vertex = linked_; vertex < space_.vertices(); vertex++) {
      const uint32_t row = space_.rowOf(vertex);
      if (row < scope_.view.rows) rows.add(row);
    }
  Status status = Status::ok();
  rows.forEach([&](uint32_t row) {
    if (status) status = checkCancelled(kComponentsPerRow);
    if (status && matches(row)) status = scoreRow(row, top);
  });
  if (!status) return status;
  const uint32_t candidates = plan_ ? plan_->candidateCount() : scope_.segment.liveRows();
  return top.size() >= std::min<size_t>(wanted_, candidates);
}

Status MaxSimSearch::seek(const float* vector, RowBitmap& rows) {
  const auto plan = planWalkToOne(space_, request_, perVector_, linked_);
  if (!plan) return Status::ok();
  SpaceSearch search(space_, vector, scope_.waiting, stats_,
                     request_.ignoresCodes ? nullptr : space_.codes());
  SearchOptions options = plan->options;
  options.cancel = scope_.cancel;
  std::vector<Neighbor> found;
  SearchEnd end = SearchEnd::Complete;
  // The row's score will be exact, so codes are enough here.
  search.keepCodeDistances();
  const auto accept = [&](uint32_t vertex) {
    return vertex < linked_ && matches(space_.rowOf(vertex));
  };
  VICINAL_TRY(search.walk(options, {perVector_}, accept, found, end));
  codes_ = search.codeKind();
  for (const Neighbor& neighbor : found) rows.add(space_.rowOf(neighbor.vertex));
  return Status::ok();
}

Result<const void*> MaxSimSearch::vectorsOf(uint32_t first, uint32_t count) const {
  const auto cold = space_.coldVectors();
  if (!cold || first + count > cold->vertices()) return space_.vector(first);
  thread_local std::vector<uint8_t> read;
  const uint32_t each = space_.space().rowBytes;
  read.resize(size_t(count) * each);
  for (uint32_t at = 0; at < count; at++)
    VICINAL_TRY(
        cold->read(first + at, &read[size_t(at) * each], scope_.waiting == Waiting::Allowed));
  return static_cast<const void*>(read.data());
}

Status MaxSimSearch::checkCancelled(uint64_t components) {
  sinceCheck_ += components;
  if (sinceCheck_ < kComponentsBetweenChecks) return Status::ok();
  sinceCheck_ = 0;
  return scope_.checkCancelled();
}

Status MaxSimSearch::sumLeast(size_t first, size_t count, const Space& row, uint32_t vectors,
                              float& sum) {
  thread_local std::vector<float> least;
  least.assign(count, FLT_MAX);
  const uint64_t ofEach = std::max<uint64_t>(1, uint64_t(count) * row.dim);
  const auto atOnce = static_cast<uint32_t>(
      std::max<uint64_t>(kLeastVectorsAtOnce, kComponentsBetweenChecks / ofEach));
  for (uint32_t from = 0; from < vectors; from += atOnce) {
    const uint32_t some = std::min(atOnce, vectors - from);
    VICINAL_TRY(checkCancelled(some * ofEach));
    // The vectors compared are contiguous.
    row.least(compared(first), count, from, some, least.data());
  }
  double total = 0;
  for (const float distance : least) total += double(distance);
  // Clamps sums of great numbers to finite floats.
  sum = static_cast<float>(std::clamp(total, double(-FLT_MAX), double(FLT_MAX)));
  return Status::ok();
}

Status MaxSimSearch::scoreRow(uint32_t row, TopK& top) {
  const uint32_t first = space_.vertexOf(row);
  if (first == kNoVertex) return Status::ok();
  const uint32_t count = space_.verticesFrom(first, row);
  const auto vectors = vectorsOf(first, count);
  if (!vectors) return vectors.status();
  const VectorSpec& spec = space_.spec();
  const Space space(spec.metric, spec.dim, *vectors, spec.datatype);
  float distance = 0;
  if (!request_.examples) {
    VICINAL_TRY(sumLeast(0, compared_, space, count, distance));
  } else {
    const Examples& examples = *request_.examples;
    thread_local std::vector<float> each;
    each.resize(examples.count);
    size_t first = 0;
    for (uint32_t at = 0; at < examples.count; at++) {
      VICINAL_TRY(sumLeast(first, examples.counts[at], space, count, each[at]));
      first += examples.counts[at];
    }
    distance = examples.distanceOf(each.data(), 1);
  }
  stats_.distances += compared_ * count;
  stats_.bytes += count * spec.vectorBytes();
  top.offer({distance, row});
  return Status::ok();
}

SegmentReport MaxSimSearch::report() const {
  SegmentReport report = scope_.report();
  report.linked = linked_;
  report.tail = space_.vertices() - linked_;
  report.strategy = strategy_;
  report.whyNoWalk = whyNoWalk_;
  report.recall = *whyNoWalk_ == 0 ? 0 : 1;
  report.plannedDistances = plannedDistances_;
  report.codes = *whyNoWalk_ == 0 ? codes_ : CodeKind::None;
  return report;
}

} // namespace vicinal
