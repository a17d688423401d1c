#include "segment/calibration.hpp"

#include <algorithm>
#include <cmath>

namespace vicinal {

namespace {

// The stop factor of a walk and the beam width that goes with it. The factor stops most walks. The
// width stops walks whose query is far from all vectors, and thus bounds the slowest ones. It
// therefore rises with the factor.
struct FactorAndWidth {
  float factor;
  float width;
};
constexpr FactorAndWidth kFactors[] = {
    {1.0f, 160},   {1.02f, 160}, {1.04f, 160}, {1.06f, 180}, {1.09f, 200},  {1.12f, 240},
    {1.16f, 280},  {1.20f, 400}, {1.26f, 640}, {1.33f, 900}, {1.42f, 1200}, {1.55f, 1600},
    {1.75f, 2200}, {2.0f, 3000}, {2.3f, 4500}, {2.7f, 6500}, {3.2f, 9000},  {4.0f, 13000}};
constexpr float kWidths[] = {10,  16,  24,  32,   48,   64,   96,   128,  192,  256,
                             384, 512, 768, 1024, 1536, 2304, 3456, 5184, 7776, 11664};
constexpr size_t kWidestPerWanted = 4;
// Beam places for each wanted neighbour beyond those calibrated.
constexpr size_t kWidthPerWanted = 2;

// Bounds of plausible measured values.
constexpr float kMostReach = 65536;
constexpr float kMostDoubt = 1024;
constexpr float kMostRescored = 65536;

bool isByWidth(Metric metric) { return !Stop::suits(metric); }

// Linear interpolation: `low` at share 0, `high` at share 1.
float between(float low, float high, float share) { return low + share * (high - low); }

// Interpolates the width of a factor between two factors of the table.
float widthOf(float factor) {
  const auto above =
      std::find_if(std::begin(kFactors), std::end(kFactors),
                   [&](const FactorAndWidth& each) { return each.factor >= factor; });
  if (above == std::end(kFactors)) return std::end(kFactors)[-1].width;
  if (above == std::begin(kFactors)) return above->width;
  const FactorAndWidth& below = above[-1];
  return between(below.width, above->width,
                 (factor - below.factor) / (above->factor - below.factor));
}

// Distances of walks of this reach, interpolated. Beyond the greatest measured reach the last value
// is returned.
float distancesAt(const std::vector<Calibration::Reach>& reaches, float reach) {
  const auto above = std::find_if(reaches.begin(), reaches.end(),
                                  [&](const auto& each) { return each.reach >= reach; });
  if (above == reaches.end()) return reaches.back().distances;
  if (above == reaches.begin()) return above->distances;
  const Calibration::Reach& below = above[-1];
  return between(below.distances, above->distances,
                 (reach - below.reach) / (above->reach - below.reach));
}

} // namespace

std::vector<float> measuredReaches(Metric metric) {
  if (isByWidth(metric)) return {std::begin(kWidths), std::end(kWidths)};
  std::vector<float> factors;
  for (const FactorAndWidth& each : kFactors) factors.push_back(each.factor);
  return factors;
}

// Estimates with a margin over the needs of the data sets of bench/.
const Calibration& Calibration::untried(Metric metric) {
  static const std::vector<Depth> depths = {{3, 40, 0.995f}, {5, 80, 0.999f}};
  static const Calibration byFactor(
      0, {}, {{1.12f, 0.85f, 800}, {1.3f, 0.95f, 2500}, {1.5f, 0.99f, 6000}, {2.0f, 0.998f, 15000}},
      depths,
      {{{1.15f, 0.85f, 800}, {1.35f, 0.95f, 2500}, {1.6f, 0.99f, 6000}, {2.2f, 0.998f, 15000}}});
  static const Calibration byWidth(
      0, {}, {{48, 0.85f, 1000}, {192, 0.95f, 3500}, {512, 0.99f, 8000}, {1024, 0.998f, 15000}},
      depths, {{{64, 0.85f, 1000}, {256, 0.95f, 3500}, {640, 0.99f, 8000}, {1280, 0.998f, 15000}}});
  return isByWidth(metric) ? byWidth : byFactor;
}

double Calibration::paceAmong(double share) const {
  // With fewer accepted vertices, more neighbours are read for each distance. With more accepted
  // than kAcceptedShare, a hop computes more distances and reads fewer neighbours for each, which
  // takes equally long.
  return 1 +
         (accepted_.pace - 1) * kAcceptedShare / std::clamp(share, kLeastAccepted, kAcceptedShare);
}

std::optional<Calibration::Promise> Calibration::leastAccepted(float recall, double share) const {
  // Near a query, far more vertices may be accepted than elsewhere. A hop then reads only direct
  // neighbours, like a walk among all vertices. So the reach is never less than that of a walk
  // among all.
  auto promise = leastOf(accepted_.reaches, recall);
  const auto amongAll = least(recall);
  if (!promise || !amongAll) return std::nullopt;
  if (amongAll->effort.reach > promise->effort.reach) {
    const float farther = distancesAt(accepted_.reaches, amongAll->effort.reach);
    promise = amongAll;
    promise->distances = farther;
  }
  promise->distances *= paceAmong(share);
  return promise;
}

std::optional<Calibration::Promise> Calibration::leastOf(const std::vector<Reach>& reaches,
                                                         float recall) const {
  // The rerank depth may cost at most a tenth of the recall that the walk may lose.
  constexpr float kLossByCodes = 0.1f;
  const float depthRecall = 1 - (1 - recall) * kLossByCodes;
  const Depth depth = depthOf(depthRecall).value_or(depths_.back());
  if (depth.recall <= 0) return std::nullopt;
  const float walkRecall = recall / depth.recall;
  const auto above = std::find_if(reaches.begin(), reaches.end(),
                                  [&](const Reach& each) { return each.recall >= walkRecall; });
  if (above == reaches.end()) return std::nullopt;
  Promise promise{{above->reach, depth.doubt},
                  above->recall * depth.recall,
                  above->distances,
                  above->typical,
                  above->most,
                  depth.rescored};
  if (above == reaches.begin()) return promise;
  // Recall rises ever more slowly with reach, so interpolation never promises too much.
  const Reach& below = above[-1];
  const float share = (walkRecall - below.recall) / (above->recall - below.recall);
  promise.effort.reach = between(below.reach, above->reach, share);
  promise.recall = recall;
  promise.distances = between(below.distances, above->distances, share);
  promise.typical = between(below.typical, above->typical, share);
  promise.most = between(below.most, above->most, share);
  return promise;
}

std::optional<Calibration::Depth> Calibration::depthOf(float recall) const {
  const auto above = std::find_if(depths_.begin(), depths_.end(),
                                  [&](const Depth& each) { return each.recall >= recall; });
  if (above == depths_.end()) return std::nullopt;
  if (above == depths_.begin()) return *above;
  const Depth& below = above[-1];
  const float share = (recall - below.recall) / (above->recall - below.recall);
  return Depth{between(below.doubt, above->doubt, share),
               between(below.rescored, above->rescored, share), recall};
}

float Calibration::recallOfDepth(double rescored) const {
  if (depths_.empty()) return 0;
  const auto above = std::find_if(depths_.begin(), depths_.end(),
                                  [&](const Depth& each) { return each.rescored > rescored; });
  // No depth this small was measured. The recall is at least proportional, because the nearest
  // vectors tend to come first by code.
  if (above == depths_.begin()) return above->recall * float(rescored / double(above->rescored));
  const Depth& below = above[-1];
  if (above == depths_.end()) return below.recall;
  const double share = (rescored - below.rescored) / double(above->rescored - below.rescored);
  return between(below.recall, above->recall, float(share));
}

bool Calibration::isSound() const {
  const auto isShare = [](float value) { return value >= 0 && value <= 1; };
  const auto isReach = [&](const Reach& each) {
    return each.reach > 0 && each.reach <= kMostReach && isShare(each.recall) &&
           each.distances >= 0 && std::isfinite(each.distances) && each.typical >= 0 &&
           std::isfinite(each.typical) && each.most >= 0 && std::isfinite(each.most);
  };
  const auto isDepth = [&](const Depth& each) {
    return each.doubt >= 0 && each.doubt <= kMostDoubt && each.rescored >= 0 &&
           each.rescored <= kMostRescored && isShare(each.recall);
  };
  const auto risesReach = [](const Reach& a, const Reach& b) { return a.recall >= b.recall; };
  const auto isCurve = [&](const std::vector<Reach>& reaches) {
    return std::all_of(reaches.begin(), reaches.end(), isReach) &&
           std::adjacent_find(reaches.begin(), reaches.end(), risesReach) == reaches.end();
  };
  // How many times longer one distance takes than another.
  const auto isPace = [](float value, float least) { return value >= least && value <= 100; };
  // A vector without a graph has no reaches, since no walk can be planned.
  return !depths_.empty() && isCurve(reaches_) &&
         std::all_of(depths_.begin(), depths_.end(), isDepth) && isCurve(accepted_.reaches) &&
         isPace(accepted_.pace, 1) && isPace(accepted_.gathered, 0.01f);
}

SearchOptions walkOptions(Metric metric, const Effort& effort, size_t wanted) {
  SearchOptions options;
  const size_t more = wanted - std::min(wanted, kCalibratedWanted);
  if (isByWidth(metric)) {
    const size_t width = size_t(std::lround(effort.reach)) + kWidthPerWanted * more;
    options.ef = uint32_t(std::max(wanted, width));
    return options;
  }
  options.ef = uint32_t(std::max(size_t(widthOf(effort.reach)), kWidestPerWanted * wanted));
  options.stop = {std::max(wanted, kCalibratedWanted), effort.reach, Stop::originOf(metric)};
  return options;
}

Rescoring rescoringFor(float doubt, size_t wanted) {
  return {inProportion(kDeepest, wanted), std::max(wanted, kCalibratedWanted), doubt};
}

} // namespace vicinal
