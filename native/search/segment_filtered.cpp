// The part of a segment's search that handles filters.
#include <algorithm>
#include <cmath>
#include <string_view>

#include "graph/select_nearest.hpp"
#include "search/match_sample.hpp"
#include "search/search_cost.hpp"
#include "search/segment_walks.hpp"

namespace vicinal {

namespace {

// The share of matches met by a walk that may be deleted beyond the expected share.
constexpr double kMoreDead = 0.1;
// At most this many candidates are compared directly if the request sets how codes are used.
constexpr size_t kFewByRequest = 128;
// Beyond this share of matches near the query, a walk among all vertices is shorter than one among
// matches.
constexpr double kMostAbout = 0.75;

constexpr const char* kScan = "scan of matches";
constexpr const char* kFilteredGraph = "filtered graph";
constexpr const char* kFilteredThenScan = "filtered graph, then scan of matches";
constexpr const char* kGraphOfMatches = "graph of matches";
constexpr const char* kMatchesThenScan = "graph of matches, then scan of them";

// Collects everything that a scan offers.
struct Gathered {
  std::vector<float> distances;
  std::vector<uint32_t> vertices;

  void clear() {
    distances.clear();
    vertices.clear();
  }
  template <typename VertexAt, typename Accept>
  void offerAll(const float* more, size_t count, const VertexAt& vertexAt, const Accept&) {
    distances.insert(distances.end(), more, more + count);
    const size_t before = vertices.size();
    vertices.resize(before + count);
    for (size_t at = 0; at < count; at++) vertices[before + at] = vertexAt(at);
  }
};

} // namespace

size_t SegmentSearch::mostCompared(size_t chosen) const {
  if (request_.oversampling > 0 || !request_.rescores) return kFewByRequest;
  return std::max<size_t>(chosen, mostScannedAtOnce(space_.space().rowBytes, kMostRowsScanned));
}

bool SegmentSearch::areFew(const FilterPlan& plan) const {
  return areMatchesKnown(plan) && plan.candidateCount() <= mostCompared() &&
         !space_.coldVectors() && !request_.isIndexedOnly;
}

Status SegmentSearch::compareAll(const FilterPlan& plan, std::vector<Neighbor>& nearest) {
  note(kScan);
  comparesAll_ = true;
  thread_local Gathered all;
  all.clear();
  VICINAL_TRY(scanExactly(plan.candidates(), {0, vertices_}, AcceptAll{}, all, kMostRowsScanned));
  const float* const distances = all.distances.data();
  const uint32_t* const vertices = all.vertices.data();
  const size_t count = all.vertices.size();
  const auto isVisible = [&](uint32_t vertex) {
    return scope_.view.isVisible(space_.rowOf(vertex));
  };
  const auto isLive = [&](const Neighbor& neighbor) { return isVisible(neighbor.vertex); };
  // If one of the nearest is deleted, another vertex may belong in its place.
  if (selectNearest(distances, vertices, count, wanted_, nearest) &&
      std::all_of(nearest.begin(), nearest.end(), isLive))
    return Status::ok();
  Shortlist list(std::min(wanted_, count), count);
  list.offerAll(
      distances, count, [&](size_t at) { return vertices[at]; }, isVisible);
  nearest = list.takeSorted();
  return Status::ok();
}

bool SegmentSearch::areMatchesKnown(const FilterPlan& plan) const {
  return plan.isComplete() && plan.candidates() != nullptr && condition_ == nullptr;
}

// Widening of a walk. A walk that only its beam stops is widened inversely to the share.
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

// Costs are in distances of a walk among all vertices.
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
    // Conditions are evaluated only for candidates that are nearer than the best so far.
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
    // If most vertices are accepted, conditions are evaluated only for the candidates found.
    const double asked = share >= kMost ? double(amongFor(share)) : walked / 2;
    costs.perWalked += asked * condition_->cost() / walked;
  }
  costs.walk = walked * costs.perWalked;
  return costs;
}

Status SegmentSearch::runFiltered(std::vector<Neighbor>& nearest) {
  FilterPlan plan = scope_.planned();
  const double matchShare = sampledMatches(plan, scope_.rows) * sampledConditions(plan);
  VICINAL_TRY(scope_.rows.work().status());
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
  // A walk among all vertices that keeps only matches cannot tell whether it is far from them.
  const bool mayPass = share * liveShare() >= kMost || !acceptedPlan_;
  const bool walksPassing = mayPass && costs_.walk < costs_.scan && costs_.walk <= among;
  costs_.walk = mayPass ? std::min(costs_.walk, among) : among;
  thread_local std::vector<Neighbor> found;
  found.clear();
  bool isComplete = false;
  const char* strategy = kScan;
  if (costs_.walk < costs_.scan) plan.prepareForPasses();
  const ParkedSearch* const parked = request_.parked;
  const bool isScanning = parked != nullptr && parked->hasScanOf(space_);
  // Far from a query, matches may be poorly connected, above all if they are few. If rows are
  // deleted, these may be the ones near the query; so a scan is preferred up to a higher cost.
  const double sure = scope_.segment.deletedRows() > 0 ? 2 * kSureScan : kSureScan;
  if (isScanning) {
    strategy = parked->scan().strategy;
  } else if (walksPassing) {
    acceptedPlan_.reset();
    VICINAL_TRY(walkPassing(plan, share * liveShare(), Spread::Evenly, found, isComplete));
    strategy = isComplete ? kFilteredGraph : kFilteredThenScan;
  } else if (std::max(among, sure) < costs_.scan) {
    VICINAL_TRY(walkKnown(plan, share, found, isComplete, strategy));
  } else {
    acceptedPlan_.reset();
  }
  if (isComplete && isFar(found, share * liveShare())) {
    isComplete = false;
    strategy = std::string_view(strategy) == kFilteredGraph ? kFilteredThenScan : kMatchesThenScan;
  }
  note(strategy);
  const bool hasWalked = isComplete || std::string_view(strategy) != kScan;
  // Conditions on payloads cost the same however the vertices are found, so they do not count here.
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

Status SegmentSearch::walkPassing(const FilterPlan& plan, double share, Spread spread,
                                  std::vector<Neighbor>& found, bool& isComplete) {
  const auto budget = uint64_t(costs_.scan / costs_.perWalked);
  const auto accept = [&](uint32_t vertex) { return vertex < linked_ && matches(plan, vertex); };
  if (goesOn(ParkedWalk::Way::All) || goesOn(ParkedWalk::Way::Filtered))
    stats_ = request_.parked->done;
  else if (request_.parked != nullptr)
    request_.parked->begun(stats_, share);
  if (share < kMost) return walk(accept, budget, found, isComplete, Parking::Yes);
  // A walk of this length ends like one without a filter, if the wanted ones are among those found.
  const auto most = uint64_t(walkPlan()->most * double(request_.walkLength) * widening(share));
  const bool isBounded = most > 0 && most < budget;
  WalkEnding ending;
  if (const auto before = walkBefore())
    ending = *before;
  else
    VICINAL_TRY(
        walkMost(accept, share, spread, isBounded ? most : budget, found, ending, Parking::Yes));
  const bool hasEnded = ending.isComplete || isBounded;
  isComplete = ending.hasWanted && hasEnded;
  const bool isBeyond = !ending.hasWanted && hasEnded;
  return isBeyond ? walkOn(ending, accept, double(budget), found, isComplete) : Status::ok();
}

// For matches that are known beforehand: searches for those near the query by walking among them.
Status SegmentSearch::walkKnown(FilterPlan& plan, double share, std::vector<Neighbor>& found,
                                bool& isComplete, const char*& strategy) {
  const auto accept = [&](uint32_t vertex) { return vertex < linked_ && matches(plan, vertex); };
  Around around;
  if (goesOn(ParkedWalk::Way::Accepted))
    around.isNear = true;
  else if (goesOn(ParkedWalk::Way::All) && request_.parked->share >= kMostAbout && walkPlan())
    around = {true, request_.parked->share, SIZE_MAX, {}};
  else
    VICINAL_TRY(lookAround(accept, share * liveShare(), around));
  // If the query has hardly any matches near it, these may not be connected. The calibration, which
  // used random matches, does not hold then.
  if (!around.isNear) {
    acceptedPlan_.reset();
    return Status::ok();
  }
  if (around.share >= kMostAbout && around.looked >= amongFor(around.share) && walkPlan()) {
    acceptedPlan_.reset();
    costs_.walk = walkPlan()->distances * widening(around.share);
    VICINAL_TRY(walkPassing(plan, around.share, Spread::Unevenly, found, isComplete));
    strategy = isComplete ? kFilteredGraph : kFilteredThenScan;
    return Status::ok();
  }
  VICINAL_TRY(walkAccepted(*plan.candidates(), around.nearest, found, isComplete));
  if (isComplete) stats_.recall = std::min(stats_.recall, double(acceptedPlan_->recall));
  strategy = isComplete ? kGraphOfMatches : kMatchesThenScan;
  return Status::ok();
}

void SegmentSearch::layOut(const RowBitmap& rows, Unmet& unmet) const {
  if (space_.isIdentity()) return unmet.start(std::min(rows.rows(), linked_), rows.words());
  unmet.start(linked_);
  space_.forEachVertex(rows, [&](uint32_t vertex) {
    if (vertex < linked_) unmet.accept(vertex);
  });
}

Status SegmentSearch::walkAccepted(const RowBitmap& rows, Neighbor nearest,
                                   std::vector<Neighbor>& found, bool& isComplete) {
  thread_local Unmet unmet;
  if (goesOn(ParkedWalk::Way::Accepted))
    stats_ = request_.parked->done;
  else
    layOut(rows, unmet);
  // The bitmap has only rows of the snapshot, so only dead rows remain to be excluded.
  const auto isLive = [&](uint32_t vertex) { return scope_.view.isVisible(space_.rowOf(vertex)); };
  SearchOptions options = acceptedPlan_->options;
  options.maxDistances = uint64_t(costs_.scan);
  options.cancel = scope_.cancel;
  options.start = &nearest;
  options.parked = parkedWalk(Parking::Yes);
  if (request_.parked != nullptr) request_.parked->begun(stats_, 0);
  const SearchReport report = scope_.view.segment->deletedRows() == 0
                                  ? search_.leadAccepted(options, unmet, AcceptAll{}, found)
                                  : search_.leadAccepted(options, unmet, isLive, found);
  if (report.end == SearchEnd::Cancelled)
    return Status(Code::Cancelled, "the search was cancelled");
  // The walk also counts as failed if it met far more deleted matches than expected.
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

double SegmentSearch::costOfFilter() const {
  // A vector without a graph has no better estimate.
  constexpr double kOfWalk = 600;
  return std::max(0.0, spent_ - (walkPlan() ? walkPlan()->distances : kOfWalk));
}

} // namespace vicinal
