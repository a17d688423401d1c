#include "search/segment_search.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "search/match_sample.hpp"
#include "search/search_cost.hpp"
#include "search/vertex_scan.hpp"

namespace vicinal {

namespace {

// A share of vertices from which on most are accepted.
constexpr double kMost = 0.4;
// By how much a walk that takes all has to go farther where only this share is accepted, which is
// most. The last ones wanted are farther away, but of those at a distance walks miss fewer the
// farther they go beyond it: two thirds of what there is more to find are enough.
constexpr double widenedFor(double share) { return 1 + (1 / share - 1) * 2 / 3; }
// Looks at those about the query before a walk among matches: at so many that so many of them match
// where they do as often as elsewhere, at most so many; and closer where they seem to be few.
constexpr double kMatchesAround = 12;
constexpr double kMostAround = 64;
struct Look {
  // Distances for each that is looked at.
  size_t distances;
  // With how many deviations fewer than expected they are few.
  double deviations;
};
constexpr Look kGlance{3, 1};
constexpr Look kCloseLook{10, 2.5};
// How many more of the matches met may be deleted, of those that live.
constexpr double kMoreDead = 0.1;
// So few matches are compared without a plan of anything else, which would take as long.
constexpr uint32_t kFewCompared = 128;
// With fewer candidates for each that is kept, their vectors are compared at once.
constexpr size_t kFewPerKept = 4;
// How many more are looked at than would have the wanted ones among them on average.
constexpr double kSpareAmong = 1.25;
constexpr size_t kMoreAmong = 3;
// What a walk among matches takes beside its distances, in distances: more vectors are scored
// exactly, and the matches are laid out as bits.
constexpr double kBesidesAmong = 350;
// A scan of matches that costs no more, in distances, is made in any case: it loses nothing.
constexpr double kSureScan = 750;

// Of a walk that goes on, as when it began: what is beyond is scanned.
uint32_t linkedOf(const VectorSpace& space, const SearchRequest& request) {
  const ParkedWalk* const parked = request.parked;
  return parked != nullptr && parked->isOf(space.graph()) ? parked->linked : space.linked();
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

template <typename Accept>
Status SegmentSearch::walk(const Accept& accept, uint64_t budget, std::vector<Neighbor>& found,
                           bool& isComplete, ParkedWalk* parked) {
  SearchOptions options = walkPlan()->options;
  options.maxDistances = budget;
  options.cancel = scope_.cancel;
  options.parked = parked;
  SearchEnd end = SearchEnd::Complete;
  VICINAL_TRY(search_.walk(options, rescoringOf(*walkPlan()), accept, found, end));
  isComplete = end == SearchEnd::Complete;
  return Status::ok();
}

template <typename Accept>
Status SegmentSearch::walkMost(const Accept& accept, double share, uint64_t budget,
                               std::vector<Neighbor>& found, Ending& ending, ParkedWalk* parked) {
  // Among so many are the wanted ones nearly always, unless those near the query are others than
  // most.
  const auto among = static_cast<size_t>(std::ceil(wanted_ / share * kSpareAmong)) + kMoreAmong;
  SearchOptions options = walkPlan()->options;
  options.maxDistances = budget;
  options.cancel = scope_.cancel;
  if (options.stop.wanted > 0) {
    const size_t widened = share < kMost ? among : static_cast<size_t>(wanted_ * widenedFor(share));
    options.stop.wanted = std::max(options.stop.wanted, widened);
  }
  // As many of the beam are accepted as there are in one without a filter.
  options.ef =
      std::max(static_cast<uint32_t>(std::ceil(options.ef / share)), static_cast<uint32_t>(among));
  options.parked = parked;
  SearchEnd end = SearchEnd::Complete;
  size_t accepted = 0;
  // Those wanted are among the nearest of all, where codes tell neighbours apart as calibrated.
  VICINAL_TRY(search_.walkAll(options, walkPlan()->rescoring, among, accept, found, end, accepted));
  ending = {end == SearchEnd::Complete, accepted >= std::min<size_t>(wanted_, linked_), among,
            accepted};
  return Status::ok();
}

Status SegmentSearch::walkLinked(std::vector<Neighbor>& found, bool& isComplete) {
  ParkedWalk* const parked = request_.parked;
  if (parked != nullptr) parked->linked = linked_;
  const double live = liveShare();
  if (live < kMost) return walkLive(found, isComplete);
  // Of all that are near, so many are to be had.
  const uint64_t before = stats_.distances - stats_.rescored;
  const bool isBounded = walkPlan()->most > 0;
  const double most = walkPlan()->most * double(request_.walkLength) / live;
  Ending ending;
  VICINAL_TRY(walkUpTo(live, isBounded ? uint64_t(most) : UINT64_MAX, found, ending, parked));
  // What is learnt of how long walks are is of the vector's own.
  if (isBounded && ending.hasWanted && !space_.isAmongOthers()) {
    stats_.walked += double(stats_.distances - stats_.rescored - before) * live;
    stats_.typical += walkPlan()->typical;
  }
  // Not to be parked: the next run would take it for the first one.
  if (!ending.hasWanted && !ending.isComplete && scope_.segment.deletedRows() == 0)
    VICINAL_TRY(walkUpTo(live, UINT64_MAX, found, ending));
  isComplete = ending.hasWanted;
  const auto accept = [&](uint32_t vertex) {
    return vertex < linked_ && scope_.view.isVisible(space_.rowOf(vertex));
  };
  if (!isComplete) return walkOn(ending, accept, scanOfAll(), found, isComplete);
  return isFar(found, live) ? walkFarther(live, found, isComplete) : Status::ok();
}

bool SegmentSearch::isFar(const std::vector<Neighbor>& found, double share) const {
  if (!space_.isAmongOthers() || request_.ef > 0 || found.empty()) return false;
  const auto asMany = size_t(std::round(kCalibratedWanted * share));
  const size_t at = std::min(std::max<size_t>(1, asMany), found.size()) - 1;
  // With as many found as there are among ten, the last is as the tenth is without a filter.
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
  Ending ending;
  VICINAL_TRY(walkUpTo(live, uint64_t(scanOfAll()), found, ending));
  isComplete = ending.isComplete && ending.hasWanted;
  if (!isComplete) found.clear();
  return Status::ok();
}

template <typename Accept>
Status SegmentSearch::walkOn(Ending ending, const Accept& accept, double scan,
                             std::vector<Neighbor>& found, bool& isComplete) {
  // Where none was found, the next one might have been.
  constexpr double kNearlyOne = 0.5;
  while (!isComplete && ending.looked > 0) {
    const double share = std::max(double(ending.accepted), kNearlyOne) / double(ending.looked);
    if (walkPlan()->distances / share > scan / 2) break;
    const size_t looked = ending.looked;
    VICINAL_TRY(walkMost(accept, share, uint64_t(scan), found, ending));
    isComplete = ending.hasWanted && ending.isComplete;
    // It has looked no farther.
    if (ending.looked <= looked) break;
  }
  if (!isComplete) found.clear();
  return Status::ok();
}

// A walk that goes by way of the deleted would find those of the live that it meets first.
Status SegmentSearch::walkLive(std::vector<Neighbor>& found, bool& isComplete) {
  costs_.scan = scanOfAll();
  acceptedPlan_ = planAcceptedWalk(space_, request_, wanted_, liveShare());
  const double among = acceptedPlan_ ? acceptedPlan_->distances + kBesidesAmong : INFINITY;
  if (std::max(among, kSureScan) < costs_.scan)
    VICINAL_TRY(walkAccepted(RowBitmap::all(scope_.view.rows), 1, found, isComplete));
  if (isComplete) {
    stats_.recall = std::min(stats_.recall, double(acceptedPlan_->recall));
  } else {
    acceptedPlan_.reset();
    found.clear();
  }
  return Status::ok();
}

double SegmentSearch::scanOfAll() const {
  return vertices_ * (scanPlan() ? kSequentialCode : kSequentialDistance);
}

// Never none, for who divides by it.
double SegmentSearch::liveShare() const {
  const bool isAmong = space_.isAmongOthers();
  const double rows = std::max(1u, isAmong ? space_.vertices() : scope_.segment.rows());
  const double deleted = isAmong ? space_.deadVertices() : scope_.segment.deletedRows();
  return std::max(1.0, rows - deleted) / rows;
}

Status SegmentSearch::walkUpTo(double share, uint64_t budget, std::vector<Neighbor>& found,
                               Ending& ending, ParkedWalk* parked) {
  // With nothing deleted and nothing newer than the snapshot in the graph, every vertex of it may
  // be an answer.
  const bool isOfSnapshot =
      vertices_ == 0 || (space_.isIdentity() ? vertices_ <= scope_.view.rows
                                             : space_.rowOf(vertices_ - 1) < scope_.view.rows);
  const bool acceptsAll = scope_.segment.deletedRows() == 0 && isOfSnapshot && linked_ == vertices_;
  if (acceptsAll) {
    VICINAL_TRY(walk(AcceptAll{}, budget, found, ending.isComplete, parked));
    ending.hasWanted = found.size() >= std::min<size_t>(wanted_, linked_);
    const bool isCurrent = std::all_of(found.begin(), found.end(),
                                       [&](const Neighbor& n) { return n.vertex < linked_; });
    // Vertices that were linked while the search ran are not the snapshot's, and may have crowded
    // out others.
    if (isCurrent) return Status::ok();
  }
  const auto accept = [&](uint32_t vertex) {
    return vertex < linked_ && scope_.view.isVisible(space_.rowOf(vertex));
  };
  return walkMost(accept, share, budget, found, ending, parked);
}

template <typename Accept>
Status SegmentSearch::scan(const RowBitmap* candidates, VertexSlice slice, const Accept& accept,
                           TopK& top, size_t offered) {
  VertexSlice exact = slice;
  const bool isFew = candidates != nullptr && !space_.coldVectors() && scanPlan() &&
                     candidates->count() <= kFewPerKept * scanPlan()->rescoring.most;
  if (scanPlan() && slice.from < linked_ && !isFew) {
    const VertexSlice coded{slice.from, std::min(slice.to, linked_)};
    bool isSure = false;
    VICINAL_TRY(scanByCode(candidates, coded, accept, top, offered, isSure));
    if (isSure) exact.from = coded.to;
  }
  return exact.empty() ? Status::ok() : scanExactly(candidates, exact, accept, top);
}

template <typename Accept>
Status SegmentSearch::scanExactly(const RowBitmap* candidates, VertexSlice slice,
                                  const Accept& accept, TopK& top) {
  const VectorDistances distances{search_, space_.space().rowBytes};
  VertexScan vertexScan(space_, distances, accept, scope_.cancel, top);
  return candidates ? vertexScan.candidates(*candidates, slice) : vertexScan.range(slice);
}

template <typename Accept>
Status SegmentSearch::scanByCode(const RowBitmap* candidates, VertexSlice slice,
                                 const Accept& accept, TopK& top, size_t offered, bool& isSure) {
  const Rescoring& rescoring = scanPlan()->rescoring;
  Shortlist byCode(rescoring.most, offered);
  const CodeDistances distances{search_, space_.codeStride()};
  VertexScan vertexScan(space_, distances, accept, scope_.cancel, byCode);
  VICINAL_TRY(candidates ? vertexScan.candidates(*candidates, slice) : vertexScan.range(slice));
  std::vector<Neighbor> found = byCode.take();
  VICINAL_TRY(search_.rescoreUnordered(rescoring, found));
  // Codes tell those that are far from the query apart less well. Where all that were kept may have
  // been among the nearest, so may others.
  isSure = !search_.rescores() || std::isinf(rescoring.doubt) || found.size() < rescoring.most;
  if (!isSure) return Status::ok();
  for (const Neighbor& neighbor : found) top.offer(neighbor);
  return Status::ok();
}

double SegmentSearch::costOfFilter() const {
  // Where the vector has no graph, nobody knows better.
  constexpr double kOfWalk = 600;
  return std::max(0.0, spent_ - (walkPlan() ? walkPlan()->distances : kOfWalk));
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
  strategy_ = strategy;
  if (space_.isAmongOthers())
    for (const Name& name : kOfValue)
      if (name.among == strategy) strategy_ = name.ofValue;
  stats_.note(strategy_);
}

void SegmentSearch::promise() {
  if (walkPlan()) stats_.recall = std::min(stats_.recall, double(walkPlan()->recall));
}

const std::optional<WalkPlan>& SegmentSearch::walkPlan() const {
  if (!walkPlan_) walkPlan_.emplace(planWalk(space_, request_, wanted_, linked_));
  return *walkPlan_;
}

const std::optional<ScanPlan>& SegmentSearch::scanPlan() const {
  if (!scanPlan_)
    scanPlan_.emplace(search_.hasCodes() ? planScanByCode(space_, request_, wanted_)
                                         : std::nullopt);
  return *scanPlan_;
}

// Of those that a walk has found, nearest first. Of equals it has kept those that it met first.
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

bool SegmentSearch::areFew(const FilterPlan& plan) const {
  return areMatchesKnown(plan) && plan.candidateCount() <= kFewCompared && !space_.coldVectors() &&
         !request_.isIndexedOnly;
}

Status SegmentSearch::compareAll(const FilterPlan& plan, std::vector<Neighbor>& nearest) {
  note("scan of matches");
  comparesAll_ = true;
  const auto isVisible = [&](uint32_t vertex) {
    return scope_.view.isVisible(space_.rowOf(vertex));
  };
  TopK top(wanted_);
  VICINAL_TRY(scanExactly(plan.candidates(), {0, vertices_}, isVisible, top));
  nearest = top.takeSorted();
  return Status::ok();
}

bool SegmentSearch::areMatchesKnown(const FilterPlan& plan) const {
  return plan.isComplete() && plan.candidates() != nullptr && condition_ == nullptr;
}

// Where only its beam stops a walk, that is as much wider.
double SegmentSearch::widening(double share) const {
  return walkPlan()->options.stop.wanted > 0 ? widenedFor(share) : 1 / share;
}

bool SegmentSearch::matches(const FilterPlan& plan, uint32_t vertex) const {
  const uint32_t row = space_.rowOf(vertex);
  return scope_.view.isVisible(row) && plan.passes(scope_.rows, row) &&
         (condition_ == nullptr || condition_->holds(vertex));
}

double SegmentSearch::sampledConditions(const FilterPlan& plan) const {
  if (condition_ == nullptr) return 1;
  return sampledShare(plan, scope_.rows, [&](uint32_t row) {
    const uint32_t vertex = space_.vertexOf(row);
    return vertex < vertices_ && condition_->holds(vertex);
  });
}

// In distances of a walk among all vertices.
SegmentSearch::Costs SegmentSearch::estimate(const FilterPlan& plan, double matchShare) const {
  const double candidates = plan.candidateCount();
  const bool scansCodes = scanPlan().has_value();
  const double gathered =
      scansCodes ? double(space_.calibration()->accepted().gathered) : kGatheredDistance;
  const double evaluation =
      (plan.isComplete() ? 0 : kEvaluation) + (condition_ == nullptr ? 0 : condition_->cost());
  Costs costs;
  costs.scan = candidates * (plan.candidates() ? gathered
                             : scansCodes      ? kSequentialCode
                                               : kSequentialDistance);
  if (!plan.isComplete() || condition_ != nullptr) {
    // Only what is nearer than the best so far is looked at.
    const double least = 1.0 / kSampledRows;
    const double looks = static_cast<double>(wanted_) / std::max(matchShare, least) *
                         std::log2(2 + candidates / wanted_);
    costs.scan += std::min(candidates, looks) * evaluation;
  }
  const double share = shareOf(candidates * matchShare);
  if (!walkPlan() || share <= 0) {
    costs.walk = INFINITY;
    return costs;
  }
  const double walked = walkPlan()->distances * (share >= kMost ? widening(share) : 1 / share);
  costs.perWalked = plan.isComplete() ? 1 : 1 + kEvaluation;
  if (condition_ != nullptr) {
    // Where most are accepted, they are asked of those alone that were found.
    const double asked = share >= kMost ? double(wanted_) / share * kSpareAmong : walked / 2;
    costs.perWalked += asked * condition_->cost() / walked;
  }
  costs.walk = walked * costs.perWalked;
  return costs;
}

Status SegmentSearch::runFiltered(std::vector<Neighbor>& nearest) {
  FilterPlan plan = scope_.planned();
  const double matchShare = sampledMatches(plan, scope_.rows) * sampledConditions(plan);
  const uint32_t candidates = plan.candidateCount();
  stats_.matches += static_cast<uint64_t>(candidates * matchShare);
  if (candidates == 0) return Status::ok();
  if (areFew(plan)) return compareAll(plan, nearest);

  promise();
  const double share = shareOf(candidates * matchShare);
  costs_ = estimate(plan, matchShare);
  const bool areKnown = areMatchesKnown(plan);
  if (areKnown) acceptedPlan_ = planAcceptedWalk(space_, request_, wanted_, share);
  const double among = acceptedPlan_ ? acceptedPlan_->distances + kBesidesAmong : INFINITY;
  // A walk that keeps only matches does not know when it is far from them.
  const bool mayPass = share * liveShare() >= kMost || !acceptedPlan_;
  const bool walksPassing = mayPass && costs_.walk < costs_.scan && costs_.walk <= among;
  costs_.walk = mayPass ? std::min(costs_.walk, among) : among;
  thread_local std::vector<Neighbor> found;
  found.clear();
  bool isComplete = false;
  const char* strategy = "scan of matches";
  if (costs_.walk < costs_.scan) plan.prepareForPasses();
  // Far from the matches they hang together less, most of all where they are few.
  // Where rows are deleted they may be those near the query.
  const double sure = scope_.segment.deletedRows() > 0 ? 2 * kSureScan : kSureScan;
  if (walksPassing) {
    acceptedPlan_.reset();
    VICINAL_TRY(walkPassing(plan, share * liveShare(), found, isComplete));
    strategy = isComplete ? "filtered graph" : "filtered graph, then scan of matches";
  } else if (std::max(among, sure) < costs_.scan) {
    VICINAL_TRY(walkAccepted(*plan.candidates(), share, found, isComplete));
    if (isComplete) stats_.recall = std::min(stats_.recall, double(acceptedPlan_->recall));
    if (acceptedPlan_)
      strategy = isComplete ? "graph of matches" : "graph of matches, then scan of them";
  } else {
    acceptedPlan_.reset();
  }
  if (isComplete && isFar(found, share * liveShare())) {
    isComplete = false;
    strategy = walksPassing ? "filtered graph, then scan of matches"
                            : "graph of matches, then scan of them";
  }
  note(strategy);
  const bool hasWalked =
      isComplete || std::string_view(strategy).starts_with("graph") || walksPassing;
  // Conditions that are asked of payloads cost the same whatever leads to them.
  if (plan.isComplete() && condition_ == nullptr)
    spent_ = (hasWalked ? costs_.walk : 0) + (isComplete ? 0 : costs_.scan);
  if (!isComplete) found.clear();
  const VertexSlice rest{isComplete ? linked_ : 0, scanEnd()};
  if (rest.from >= rest.to) {
    takeNearest(found, nearest);
    return Status::ok();
  }
  TopK top(wanted_);
  for (const Neighbor& neighbor : found) top.offer(neighbor);
  VICINAL_TRY(scanMatches(plan, rest, top));
  nearest = top.takeSorted();
  return Status::ok();
}

Status SegmentSearch::walkPassing(const FilterPlan& plan, double share,
                                  std::vector<Neighbor>& found, bool& isComplete) {
  const auto budget = uint64_t(costs_.scan / costs_.perWalked);
  const auto accept = [&](uint32_t vertex) { return vertex < linked_ && matches(plan, vertex); };
  if (share < kMost) return walk(accept, budget, found, isComplete);
  // A walk this long ends as one without a filter does, if what it has found are those wanted.
  const auto most = uint64_t(walkPlan()->most * double(request_.walkLength) * widening(share));
  const bool isBounded = most > 0 && most < budget;
  Ending ending;
  VICINAL_TRY(walkMost(accept, share, isBounded ? most : budget, found, ending));
  const bool hasEnded = ending.isComplete || isBounded;
  isComplete = ending.hasWanted && hasEnded;
  const bool isBeyond = !ending.hasWanted && hasEnded;
  return isBeyond ? walkOn(ending, accept, double(budget), found, isComplete) : Status::ok();
}

template <typename Accept>
Status SegmentSearch::lookAround(const Accept& accept, double share, Neighbor& nearest,
                                 bool& isNear) {
  thread_local std::vector<Neighbor> around;
  SearchOptions options;
  options.ef = uint32_t(std::min(kMostAround, std::ceil(kMatchesAround / share)));
  options.cancel = scope_.cancel;
  isNear = false;
  for (const Look& look : {kGlance, kCloseLook}) {
    options.maxDistances = uint64_t(kMostAround) + look.distances * options.ef;
    SearchEnd end = SearchEnd::Complete;
    VICINAL_TRY(search_.lead(options, AcceptAll{}, around, end));
    if (around.empty()) break;
    nearest = around.front();
    const auto accepted = std::count_if(around.begin(), around.end(),
                                        [&](const Neighbor& each) { return accept(each.vertex); });
    const double expected = share * double(around.size());
    isNear = double(accepted) >= std::max(1.0, expected - look.deviations * std::sqrt(expected));
    if (isNear) break;
    options.ef = uint32_t(kMostAround);
  }
  return Status::ok();
}

Status SegmentSearch::walkAccepted(const RowBitmap& rows, double share,
                                   std::vector<Neighbor>& found, bool& isComplete) {
  thread_local Unmet unmet;
  if (space_.isIdentity()) {
    unmet.start(std::min(rows.rows(), linked_), rows.words());
  } else {
    unmet.start(linked_);
    space_.forEachVertex(rows, [&](uint32_t vertex) {
      if (vertex < linked_) unmet.accept(vertex);
    });
  }
  // Rows of the bitmap are those of the snapshot, so the dead alone are to be told apart.
  const auto isLive = [&](uint32_t vertex) { return scope_.view.isVisible(space_.rowOf(vertex)); };
  const auto accept = [&](uint32_t vertex) {
    return unmet.covers(vertex) && unmet.has(vertex) && isLive(vertex);
  };
  // Where the query has hardly any matches about it they may not hang together, and the
  // calibration, which is of matches at random, says nothing of them.
  Neighbor nearest;
  bool isNear = false;
  VICINAL_TRY(lookAround(accept, share * liveShare(), nearest, isNear));
  if (!isNear) {
    acceptedPlan_.reset();
    return Status::ok();
  }
  SearchOptions options = acceptedPlan_->options;
  options.maxDistances = uint64_t(costs_.scan);
  options.cancel = scope_.cancel;
  options.start = &nearest;
  const SearchReport report = scope_.view.segment->deletedRows() == 0
                                  ? search_.leadAccepted(options, unmet, AcceptAll{}, found)
                                  : search_.leadAccepted(options, unmet, isLive, found);
  if (report.end == SearchEnd::Cancelled)
    return Status(Code::Cancelled, "the search was cancelled");
  // The same where many more of those that are met are deleted than elsewhere.
  const double live = liveShare();
  const uint64_t liveOrDead = std::max<uint64_t>(1, report.dead + report.met);
  const double mostDead = double(liveOrDead) * (1 - live + live * kMoreDead);
  isComplete = report.end == SearchEnd::Complete && found.size() >= wanted_ &&
               double(report.dead) <= mostDead;
  if (!isComplete) return Status::ok();
  return search_.hasCodes() ? search_.rescore(amongMatches(acceptedPlan_->rescoring), found)
                            : Status::ok();
}

Status SegmentSearch::scanMatches(const FilterPlan& plan, VertexSlice slice, TopK& top) {
  const auto isVisible = [&](uint32_t vertex) {
    return scope_.view.isVisible(space_.rowOf(vertex));
  };
  if (plan.isComplete() && condition_ == nullptr)
    return scan(plan.candidates(), slice, isVisible, top, plan.candidateCount());
  const auto accept = [&](uint32_t vertex) {
    return isVisible(vertex) && plan.holds(scope_.rows, space_.rowOf(vertex)) &&
           (condition_ == nullptr || condition_->holds(vertex));
  };
  return scan(plan.candidates(), slice, accept, top);
}

} // namespace vicinal
