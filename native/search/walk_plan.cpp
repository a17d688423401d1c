#include "search/walk_plan.hpp"

#include <algorithm>
#include <cmath>

#include "search/search_cost.hpp"

namespace vicinal {

namespace {

// With a width given: what codes can put in the wrong order lies near the last one wanted.
constexpr size_t kRescoredPerWanted = 2;
constexpr size_t kRescoredAtLeast = 16;
// A scan has seen every vector, so all it can lose is what codes hide.
constexpr size_t kScanRescoredPerWanted = 6;
constexpr size_t kScanRescoredAtLeast = 68;

// What is asked of the calibration.
float adjustedRecall(const SearchRequest& request) {
  return 1 - (1 - request.recall) * request.lossShare;
}

WalkPlan walkOfWidth(uint32_t ef, size_t wanted) {
  WalkPlan plan;
  plan.options.ef = static_cast<uint32_t>(std::max<size_t>(ef, wanted));
  plan.rescored = kRescoredPerWanted * wanted + kRescoredAtLeast;
  plan.distances = kDistancesPerEf * plan.options.ef;
  return plan;
}

} // namespace

std::optional<WalkPlan> planWalk(const VectorSpace& space, const SearchRequest& request,
                                 size_t wanted, uint32_t linked) {
  if (request.isExact || linked == 0) return std::nullopt;
  if (request.ef > 0) return walkOfWidth(request.ef, wanted);
  if (request.recall >= 1) return std::nullopt;
  const Metric metric = space.spec().metric;
  const auto promise = space.calibration()->least(adjustedRecall(request));
  if (!promise) return std::nullopt;
  WalkPlan plan;
  plan.options = walkOptions(metric, promise->effort, wanted);
  plan.rescored = rescoredFor(promise->effort, wanted);
  const double tens = std::max(1.0, double(wanted) / kCalibratedWanted);
  plan.distances = promise->distances * std::sqrt(tens) + double(plan.rescored);
  plan.recall = promise->recall;
  const bool hasCodes = space.codes() != nullptr;
  const double scan =
      linked * (hasCodes && mayScanCodes(space, request) ? kSequentialCode : kSequentialDistance);
  if (scan < plan.distances) return std::nullopt;
  return plan;
}

const char* whyNoWalk(const VectorSpace& space, const SearchRequest& request, uint32_t linked) {
  if (request.isExact) return "exact";
  if (linked == 0) return "empty";
  if (request.ef == 0 && request.recall >= 1) return "all";
  return space.calibration()->least(adjustedRecall(request)) ? "costs less" : "recall";
}

bool mayScanCodes(const VectorSpace& space, const SearchRequest& request) {
  // More than that is not asked of codes by whoever asks for all, but not for exactness.
  constexpr float kNearlyAll = 0.995f;
  if (request.isExact) return false;
  const float recall = request.ef > 0 ? kNearlyAll : std::min(kNearlyAll, adjustedRecall(request));
  return space.calibration()->recallOfCodes() >= recall;
}

size_t rescoredOfScan(size_t wanted) {
  return kScanRescoredPerWanted * wanted + kScanRescoredAtLeast;
}

} // namespace vicinal
