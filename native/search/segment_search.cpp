#include "search/segment_search.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "search/search_cost.hpp"
#include "search/segment_walks.hpp"

namespace vicinal {

namespace {

// The watermark of the graph. A parked search keeps its old one; vertices beyond are scanned.
uint32_t linkedOf(const VectorSpace& space, const SearchRequest& request) {
  ParkedSearch* const parked = request.parked;
  if (parked == nullptr) return space.linked();
  parked->begin(space, space.linked());
  return parked->linked();
}

} // namespace

SegmentSearch::SegmentSearch(const SegmentScope& scope, const SearchRequest& request, size_t wanted,
                             SearchStats& stats, const VectorSpace& space)
    : scope_(scope), request_(request), space_(space), wanted_(wanted), stats_(stats),
      linked_(linkedOf(space_, request)), vertices_(space_.vertices()),
      search_(space_, request.query.data(), scope.waiting, stats,
              request.ignoresCodes ? nullptr : space_.codes()) {
  if (!request.rescores) search_.keepCodeDistances();
  if (request.examples) search_.scoreBy(&*request.examples);
}

Status SegmentSearch::run(std::vector<Neighbor>& nearest) {
  nearest.clear();
  return isFiltered() ? runFiltered(nearest) : runUnfiltered(nearest);
}

ParkedWalk* SegmentSearch::parkedWalk(Parking parking) const {
  return parking == Parking::Yes && request_.parked != nullptr ? &request_.parked->walk : nullptr;
}

// The wanted ones are rarely beyond this number by chance, unless vertices near the query differ
// from most. A repeated walk then finds more.
size_t SegmentSearch::amongFor(double share) const {
  constexpr double kDeviations = 1.5;
  const double deviation = std::sqrt(double(wanted_) * (1 - share));
  return size_t(std::ceil((double(wanted_) + kDeviations * deviation) / share)) + 1;
}

bool SegmentSearch::goesOn(ParkedWalk::Way way) const {
  ParkedWalk* const parked = parkedWalk(Parking::Yes);
  if (parked == nullptr) return false;
  parked->dropUnlessLedBy(search_.codes());
  return parked->isOf(space_.graph(), way);
}

std::optional<WalkEnding> SegmentSearch::walkBefore() {
  if (request_.parked == nullptr || !request_.parked->before) return std::nullopt;
  stats_ = request_.parked->done;
  return request_.parked->before;
}

Status SegmentSearch::walkLinked(std::vector<Neighbor>& found, bool& isComplete) {
  const double live = liveShare();
  if (live < kMost) return walkLive(found, isComplete);
  const auto accept = [&](uint32_t vertex) {
    return vertex < linked_ && scope_.view.isVisible(space_.rowOf(vertex));
  };
  if (const auto before = walkBefore())
    return walkOn(*before, accept, scanOfAll(), found, isComplete);
  if (goesOn(ParkedWalk::Way::All))
    stats_ = request_.parked->done;
  else if (request_.parked != nullptr)
    request_.parked->begun(stats_, 1);
  // The share of live vertices near the query is taken to be the overall share.
  const uint64_t before = stats_.distances - stats_.rescored;
  const bool isBounded = walkPlan()->most > 0;
  const double most = walkPlan()->most * double(request_.walkLength) / live;
  WalkEnding ending;
  VICINAL_TRY(walkUpTo(live, isBounded ? uint64_t(most) : UINT64_MAX, found, ending, Parking::Yes));
  // Walk lengths are recorded only for the vector's own space.
  if (isBounded && ending.hasWanted && !space_.isAmongOthers()) {
    stats_.walked += double(stats_.distances - stats_.rescored - before) * live;
    stats_.typical += walkPlan()->typical;
  }
  // A resumed run would take this walk for the first one, so it is not parked.
  if (!ending.hasWanted && !ending.isComplete && scope_.segment.deletedRows() == 0)
    VICINAL_TRY(walkUpTo(live, UINT64_MAX, found, ending, Parking::No));
  isComplete = ending.hasWanted;
  if (!isComplete) return walkOn(ending, accept, scanOfAll(), found, isComplete);
  return isFar(found, live) ? walkFarther(live, found, isComplete) : Status::ok();
}

bool SegmentSearch::isFar(const std::vector<Neighbor>& found, double share) const {
  if (!space_.isAmongOthers() || request_.ef > 0 || found.empty()) return false;
  const auto asMany = size_t(std::round(kCalibratedWanted * share));
  const size_t at = std::min(std::max<size_t>(1, asMany), found.size()) - 1;
  // With fewer accepted vertices, the last one found corresponds to the tenth without a filter.
  const Calibration::Far& far = space_.calibration()->far();
  return found[at].distance > (at + 1 >= asMany ? far.last : far.of(at + 1));
}

Status SegmentSearch::walkFarther(double live, std::vector<Neighbor>& found, bool& isComplete) {
  auto plan = planWalkFrom(space_, request_, wanted_, linked_, kLossWhereFar);
  isComplete = plan && plan->distances < scanOfAll();
  if (!isComplete) {
    found.clear();
    return Status::ok();
  }
  plan->rescoring = amongMatches(plan->rescoring);
  plan->recall = walkPlan()->recall;
  walkPlan_ = std::move(plan);
  WalkEnding ending;
  VICINAL_TRY(walkUpTo(live, uint64_t(scanOfAll()), found, ending, Parking::No));
  isComplete = ending.isComplete && ending.hasWanted;
  if (!isComplete) found.clear();
  return Status::ok();
}

// A walk through deleted vertices might find live ones that it meets first, not the nearest.
Status SegmentSearch::walkLive(std::vector<Neighbor>& found, bool& isComplete) {
  costs_.scan = scanOfAll();
  acceptedPlan_ = planAcceptedWalk(space_, request_, wanted_, liveShare());
  const double among = acceptedPlan_ ? acceptedPlan_->distances + kBesidesAmong : INFINITY;
  if (std::max(among, kSureScan) < costs_.scan) {
    const auto accept = [&](uint32_t vertex) {
      return vertex < linked_ && scope_.view.isVisible(space_.rowOf(vertex));
    };
    Around around;
    if (goesOn(ParkedWalk::Way::Accepted))
      around.isNear = true;
    else
      VICINAL_TRY(lookAround(accept, liveShare(), around));
    if (around.isNear)
      VICINAL_TRY(
          walkAccepted(RowBitmap::all(scope_.view.rows), around.nearest, found, isComplete));
  }
  if (isComplete) {
    stats_.recall = std::min(stats_.recall, double(acceptedPlan_->recall));
  } else {
    acceptedPlan_.reset();
    found.clear();
  }
  return Status::ok();
}

double SegmentSearch::scanOfAll() const {
  return vertices_ * scanCost(space_, request_, scanPlan().has_value());
}

// Never zero, because callers divide by it.
double SegmentSearch::liveShare() const {
  const bool isAmong = space_.isAmongOthers();
  const double rows = std::max(1u, isAmong ? space_.vertices() : scope_.segment.rows());
  const double deleted = isAmong ? space_.deadVertices() : scope_.segment.deletedRows();
  return std::max(1.0, rows - deleted) / rows;
}

Status SegmentSearch::walkUpTo(double share, uint64_t budget, std::vector<Neighbor>& found,
                               WalkEnding& ending, Parking parking) {
  // If nothing is deleted and the graph has no vertex newer than the snapshot, every vertex can be
  // an answer.
  const bool isOfSnapshot =
      vertices_ == 0 || (space_.isIdentity() ? vertices_ <= scope_.view.rows
                                             : space_.rowOf(vertices_ - 1) < scope_.view.rows);
  const bool acceptsAll = scope_.segment.deletedRows() == 0 && isOfSnapshot && linked_ == vertices_;
  if (acceptsAll) {
    VICINAL_TRY(walk(AcceptAll{}, budget, found, ending.isComplete, parking));
    ending.hasWanted = found.size() >= std::min<size_t>(wanted_, linked_);
    const bool isCurrent = std::all_of(found.begin(), found.end(),
                                       [&](const Neighbor& n) { return n.vertex < linked_; });
    // Vertices that were linked during the search do not belong to the snapshot and may have
    // displaced others.
    if (isCurrent) return Status::ok();
  }
  const auto accept = [&](uint32_t vertex) {
    return vertex < linked_ && scope_.view.isVisible(space_.rowOf(vertex));
  };
  return walkMost(accept, share, Spread::Evenly, budget, found, ending, parking);
}

void SegmentSearch::note(const char* strategy) {
  struct Name {
    std::string_view among;
    const char* ofValue;
  };
  static constexpr Name kOfValue[] = {
      {"graph", "graph of value"},
      {"graph+tail", "graph+tail of value"},
      {"scan", "scan of value"},
      {"graph of live", "graph of live of value"},
      {"graph of live+tail", "graph of live+tail of value"},
      {"scan of live", "scan of live of value"},
      {"graph, then scan of live", "graph, then scan of live of value"},
      {"filtered graph", "filtered graph of value"},
      {"filtered graph, then scan of matches", "filtered graph, then scan of matches of value"},
      {"graph of matches", "graph of matches of value"},
      {"graph of matches, then scan of them", "graph of matches, then scan of them of value"},
      {"scan of matches", "scan of matches of value"}};
  strategy_ = noted_ = strategy;
  if (space_.isAmongOthers())
    for (const Name& name : kOfValue)
      if (name.among == strategy) strategy_ = name.ofValue;
  stats_.note(strategy_);
}

void SegmentSearch::promise() {
  if (walkPlan()) stats_.recall = std::min(stats_.recall, double(walkPlan()->recall));
}

const std::optional<WalkPlan>& SegmentSearch::walkPlan() const {
  if (walkPlan_) return *walkPlan_;
  const auto live = float(liveShare());
  walkPlan_.emplace(planWalk(space_, request_, wanted_, linked_, live));
  // The calibration had only live vertices; dead ones take the places of live ones.
  if (*walkPlan_ && live < 1)
    (*walkPlan_)->recall = std::max(0.f, 1 - (1 - (*walkPlan_)->recall) / live);
  return *walkPlan_;
}

const std::optional<ScanPlan>& SegmentSearch::scanPlan() const {
  if (!scanPlan_)
    scanPlan_.emplace(search_.hasCodes() ? planScanByCode(space_, request_, wanted_)
                                         : std::nullopt);
  return *scanPlan_;
}

// Takes the nearest of those found. Among equal distances a walk keeps those that it met first, so
// ties are sorted.
void SegmentSearch::takeNearest(std::vector<Neighbor>& found,
                                std::vector<Neighbor>& nearest) const {
  const size_t kept = std::min(found.size(), wanted_);
  const bool cutsEquals =
      kept > 0 && kept < found.size() && found[kept - 1].distance == found[kept].distance;
  if (cutsEquals) std::sort(found.begin(), found.end(), isNearer);
  nearest.assign(found.begin(), found.begin() + ptrdiff_t(kept));
}

Status SegmentSearch::runUnfiltered(std::vector<Neighbor>& nearest) {
  thread_local std::vector<Neighbor> found;
  found.clear();
  bool isComplete = false;
  promise();
  if (walkPlan()) VICINAL_TRY(walkLinked(found, isComplete));
  const VertexSlice rest{isComplete ? linked_ : 0, scanEnd()};
  if (!isComplete)
    note(!walkPlan() ? "scan" : liveShare() < kMost ? "scan of live" : "graph, then scan of live");
  else if (acceptedPlan_)
    note(rest.from < rest.to ? "graph of live+tail" : "graph of live");
  else
    note(rest.from < rest.to ? "graph+tail" : "graph");
  if (rest.from >= rest.to) {
    takeNearest(found, nearest);
    return Status::ok();
  }
  TopK top(wanted_);
  for (const Neighbor& neighbor : found) top.offer(neighbor);
  const auto accept = [&](uint32_t vertex) { return scope_.view.isVisible(space_.rowOf(vertex)); };
  VICINAL_TRY(scan(nullptr, rest, accept, top));
  nearest = top.takeSorted();
  return Status::ok();
}

} // namespace vicinal
