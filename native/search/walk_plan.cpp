#include "search/walk_plan.hpp"

#include <algorithm>
#include <cmath>

#include "search/search_cost.hpp"

namespace vicinal {

namespace {

// With a given width: codes misplace only vertices near the last wanted one, so this many are
// rescored.
constexpr size_t kRescoredPerWanted = 2;
constexpr size_t kRescoredAtLeast = 16;
// Epsilon for a given width.
constexpr float kDoubtOfWidth = 3;
// A scan sees every vector, so only codes lose neighbours; they get this share of the allowed loss.
constexpr float kScanLoss = 0.5f;
constexpr size_t kScanRescoredPerWanted = 2;
constexpr size_t kScanRescoredAtLeast = 16;
// Codes distinguish vectors far from the query less well than calibrated. So this many times more
// candidates are kept than are scored.
constexpr size_t kSpareRescored = 4;

// The recall that is asked of the calibration.
float adjustedRecall(const SearchRequest& request) {
  return std::max(request.leastRecall, 1 - (1 - request.recall) * request.lossShare);
}

size_t oversampled(const SearchRequest& request, size_t wanted) {
  return static_cast<size_t>(std::ceil(double(request.oversampling) * double(wanted)));
}

WalkPlan walkOfWidth(uint32_t ef, size_t wanted) {
  WalkPlan plan;
  plan.options.ef = static_cast<uint32_t>(std::max<size_t>(ef, wanted));
  plan.rescoring = {kRescoredPerWanted * wanted + kRescoredAtLeast,
                    std::max(wanted, kCalibratedWanted), kDoubtOfWidth};
  plan.distances = kDistancesPerEf * plan.options.ef;
  return plan;
}

// The estimated recall if `wanted` are chosen from this many candidates by code, scaled from ten.
float recallOfChoice(const Calibration& calibration, size_t chosenFrom, size_t wanted) {
  const double tens = double(wanted) / kCalibratedWanted;
  return calibration.recallOfDepth(double(chosenFrom) / std::max(tens, 0.1));
}

// Applies the oversampling of the request and widens the beam to hold its candidates. More effort
// does not find neighbours that codes hide, so the promised recall may drop.
WalkPlan asAsked(const VectorSpace& space, const SearchRequest& request, size_t wanted,
                 WalkPlan plan) {
  if (request.oversampling > 0) {
    const size_t rescored = oversampled(request, wanted);
    plan.rescoring = {rescored};
    plan.typical = plan.most = 0;
    plan.options.ef = static_cast<uint32_t>(std::max<size_t>(plan.options.ef, rescored));
    if (plan.options.stop.wanted > 0)
      plan.options.stop.wanted = std::max(plan.options.stop.wanted, rescored);
    if (rescored > wanted * kRescoredPerWanted + kRescoredAtLeast)
      plan.distances = std::max(plan.distances, kDistancesPerEf * plan.options.ef);
  }
  const bool isByCode = space.codes() != nullptr && !request.ignoresCodes;
  if (isByCode && plan.recall > 0 && (request.oversampling > 0 || !request.rescores)) {
    const size_t chosenFrom = request.rescores ? plan.rescoring.most : wanted;
    plan.recall = std::min(plan.recall, recallOfChoice(*space.calibration(), chosenFrom, wanted));
  }
  return plan;
}

bool costsMoreThanScan(const VectorSpace& space, const SearchRequest& request, size_t wanted,
                       uint32_t linked, const WalkPlan& plan) {
  if (linked * std::min(kSequentialCode, kSequentialDistance) >= plan.distances) return false;
  const bool scansCodes =
      space.codes() != nullptr && planScanByCode(space, request, wanted).has_value();
  return linked * scanCost(space, request, scansCodes) < plan.distances;
}

WalkPlan planOf(const Calibration::Promise& promise, const VectorSpace& space,
                const SearchRequest& request, size_t wanted) {
  WalkPlan plan;
  plan.options = walkOptions(space.spec().metric, promise.effort, wanted);
  plan.rescoring = rescoringFor(promise.effort.doubt, wanted);
  const double tens = std::max(1.0, double(wanted) / kCalibratedWanted);
  plan.distances = promise.distances * std::sqrt(tens) + promise.rescored * tens;
  // Calibrated lengths do not hold for more neighbours than were measured.
  if (wanted <= kCalibratedWanted) {
    plan.typical = promise.typical;
    plan.most = promise.most;
  }
  plan.recall = promise.recall;
  return asAsked(space, request, wanted, plan);
}

// No walk by a score of several vectors can promise a recall; searches for one vector are used if
// possible (ExampleSearch). Everything in the beam is rescored.
std::optional<WalkPlan> walkByExamples(const SearchRequest& request, size_t wanted) {
  if (request.ef == 0) return std::nullopt;
  WalkPlan plan = walkOfWidth(request.ef, wanted);
  plan.rescoring = {plan.options.ef};
  return plan;
}

} // namespace

std::optional<WalkPlan> planWalk(const VectorSpace& space, const SearchRequest& request,
                                 size_t wanted, uint32_t linked, float lossShare) {
  if (request.isExact || linked == 0 || !space.hasGraph()) return std::nullopt;
  return request.examples ? walkByExamples(request, wanted)
                          : planWalkFrom(space, request, wanted, linked, lossShare);
}

std::optional<WalkPlan> planWalkToOne(const VectorSpace& space, const SearchRequest& request,
                                      size_t wanted, uint32_t linked) {
  return planWalkFrom(space, request, wanted, linked, 1);
}

std::optional<WalkPlan> planWalkFrom(const VectorSpace& space, const SearchRequest& request,
                                     size_t wanted, uint32_t linked, float lossShare) {
  if (request.isExact || linked == 0 || !space.hasGraph()) return std::nullopt;
  if (request.ef > 0) {
    const WalkPlan plan = asAsked(space, request, wanted, walkOfWidth(request.ef, wanted));
    // A requested width is used as it is; its widening by oversampling only if a scan does not cost
    // less.
    const bool isWider = plan.options.ef > std::max<size_t>(request.ef, wanted);
    if (isWider && costsMoreThanScan(space, request, wanted, linked, plan)) return std::nullopt;
    return plan;
  }
  if (request.recall >= 1) return std::nullopt;
  const auto promise = space.calibration()->least(1 - (1 - adjustedRecall(request)) * lossShare);
  if (!promise) return std::nullopt;
  const WalkPlan plan = planOf(*promise, space, request, wanted);
  if (costsMoreThanScan(space, request, wanted, linked, plan)) return std::nullopt;
  return plan;
}

std::optional<WalkPlan> planAcceptedWalk(const VectorSpace& space, const SearchRequest& request,
                                         size_t wanted, double share) {
  if (request.isExact || request.examples || !space.hasGraph() || share < kLeastAccepted)
    return std::nullopt;
  const auto calibration = space.calibration();
  if (request.ef > 0) {
    WalkPlan plan = asAsked(space, request, wanted, walkOfWidth(request.ef, wanted));
    plan.distances *= calibration->paceAmong(share);
    return plan;
  }
  if (request.recall >= 1) return std::nullopt;
  const auto promise = calibration->leastAccepted(adjustedRecall(request), share);
  return promise ? std::optional(planOf(*promise, space, request, wanted)) : std::nullopt;
}

const char* whyNoWalk(const VectorSpace& space, const SearchRequest& request, uint32_t linked) {
  if (request.isExact) return "exact";
  if (!space.hasGraph()) return "no graph";
  if (linked == 0) return "empty";
  if (request.ef == 0 && request.recall >= 1) return "all";
  if (request.examples) return "examples";
  if (request.ef > 0) return "costs less";
  return space.calibration()->least(adjustedRecall(request)) ? "costs less" : "recall";
}

Rescoring amongMatches(Rescoring rescoring) {
  constexpr float kDoubtOfFar = 3;
  rescoring.doubt += kDoubtOfFar;
  return rescoring;
}

double scanCost(const VectorSpace& space, const SearchRequest& request, bool scansCodes) {
  if (scansCodes) return kSequentialCode;
  if (space.codes() == nullptr || request.ignoresCodes) return kSequentialDistance;
  return kSequentialDistance * std::max(1.0, space.space().rowBytes / kBytesAsCode);
}

size_t leastRescored(size_t wanted) {
  return kSpareRescored * (kScanRescoredPerWanted * wanted + kScanRescoredAtLeast);
}

std::optional<ScanPlan> planScanByCode(const VectorSpace& space, const SearchRequest& request,
                                       size_t wanted) {
  // The greatest recall that is asked of codes, even if a request wants all but not exact ones.
  constexpr float kNearlyAll = 0.995f;
  if (request.isExact || request.ignoresCodes) return std::nullopt;
  const auto calibration = space.calibration();
  if (request.oversampling > 0) {
    const size_t rescored = oversampled(request, wanted);
    return ScanPlan{{rescored},
                    recallOfChoice(*calibration, request.rescores ? rescored : wanted, wanted)};
  }
  // Errors of codes add up over several distances, so a scan compares vectors.
  if (request.examples) return std::nullopt;
  const float asked = request.ef > 0 ? kNearlyAll : std::min(kNearlyAll, adjustedRecall(request));
  auto depth = calibration->depthOf(1 - (1 - asked) * kScanLoss);
  if (!depth) depth = calibration->depthOf(asked);
  if (!depth) return std::nullopt;
  ScanPlan plan{amongMatches(rescoringFor(depth->doubt, wanted)), depth->recall};
  plan.rescoring.most =
      std::max(kSpareRescored * inProportion(depth->rescored, wanted), leastRescored(wanted));
  if (!request.rescores)
    plan.recall = std::min(plan.recall, recallOfChoice(*calibration, wanted, wanted));
  return plan;
}

} // namespace vicinal
