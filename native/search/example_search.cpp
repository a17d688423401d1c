#include "search/example_search.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <unordered_set>

#include "distance/prepare.hpp"
#include "search/search_cost.hpp"

namespace vicinal {

namespace {

using Combine = Combination::Combine;

// Extra neighbours, because scores and distances are rounded differently.
constexpr size_t kSpare = 4;
// The share of the allowed loss that each search gets. Losses of several searches add up, and a
// condition may refuse vertices that a walk needs to pass.
constexpr float kLossShare = 0.5f;
// The factor by which a beam is widened if it may have been too narrow.
constexpr uint32_t kWidening = 2;
// Cost of comparing a vector that is in the cache.
constexpr double kComparison = 0.2;

// The number of neighbours in `now` that are not in `before`.
size_t countNew(const std::vector<Neighbor>& before, const std::vector<Neighbor>& now) {
  std::unordered_set<uint32_t> known;
  for (const Neighbor& neighbor : before) known.insert(neighbor.vertex);
  return size_t(std::count_if(now.begin(), now.end(), [&](const Neighbor& neighbor) {
    return known.count(neighbor.vertex) == 0;
  }));
}

} // namespace

// A condition on the distances to the examples. Distances are by code if vectors are cold.
class ExampleSearch::Condition final : public VertexCondition {
public:
  Condition(ExampleSearch& of, Among among)
      : examples_(of.examples_), among_(among), linked_(of.space_.linked()),
        search_(of.space_, nullptr, of.scope_.waiting, counts_),
        isByCode_(search_.hasCodes() && of.space_.coldVectors() != nullptr),
        distances_(examples_.count) {
    search_.keepQueriesApart();
    search_.scoreBy(&examples_);
  }

  bool holds(uint32_t vertex) override {
    vertex_[0] = vertex;
    if (isByCode_ && vertex < linked_)
      search_.eachByCode(vertex_, distances_.data());
    else if (status_)
      status_ = search_.each(vertex_, distances_.data());
    if (!status_) return false;
    return among_ == Among::LikedMore ? isLikedMore() : isRightOfAllPairs();
  }
  // The vector is read from memory once, however many examples it is compared with.
  double cost() const override { return 1 + kComparison * examples_.count; }
  const SearchStats& counts() const { return counts_; }
  // The error of the first vector that could not be read; the answer for it is unknown.
  const Status& status() const { return status_; }

private:
  bool isLikedMore() const {
    const auto positives = distances_.begin() + examples_.positives;
    return *std::min_element(distances_.begin(), positives) <
           *std::min_element(positives, distances_.end());
  }
  bool isRightOfAllPairs() const {
    const bool isContext = examples_.combine == Combine::Context;
    for (size_t at = isContext ? 0 : 1; at + 1 < distances_.size(); at += 2) {
      // Rounded in the same way as in the scores.
      const float ahead = -distances_[at] - -distances_[at + 1];
      if (isContext ? ahead - FLT_EPSILON < 0 : ahead <= 0) return false;
    }
    return true;
  }

  const Examples& examples_;
  const Among among_;
  const uint32_t linked_;
  SearchStats counts_;
  SpaceSearch search_;
  const bool isByCode_;
  Status status_ = Status::ok();
  std::vector<uint32_t> vertex_{0};
  std::vector<float> distances_;
};

Status ExampleSearch::run(std::vector<Neighbor>& best) {
  best.clear();
  report_ = scope_.report();
  const bool isLed = !request_.isExact && request_.ef == 0 && request_.recall < 1;
  if (isLed) {
    const Leads found = leads();
    if (found.isMade) return followMade(found, best);
    if (!found.vectors.empty()) {
      const auto isEnough = follow(found, best);
      if (!isEnough) return isEnough.status();
      if (*isEnough) return Status::ok();
    }
  }
  return scoreAll(best);
}

// Whether the score is a weighted sum of similarities.
bool ExampleSearch::isSum(std::vector<float>& weights) const {
  weights.assign(examples_.count, 0);
  if (examples_.combine == Combine::SumScores) {
    for (uint32_t at = 0; at < examples_.count; at++)
      weights[at] = at < examples_.positives ? 1.0f : -1.0f;
    return true;
  }
  if (examples_.combine != Combine::Feedback) return false;
  weights = examples_.weights;
  return true;
}

// Finds the one vector whose similarity orders points like the sum; false if there is none.
bool ExampleSearch::addSum(const std::vector<float>& weights, Leads& leads) const {
  const VectorSpec& spec = space_.spec();
  if (spec.metric == Metric::L1) return false;
  double all = 0;
  double magnitude = 0;
  for (const float weight : weights) {
    all += weight;
    magnitude += std::fabs(weight);
  }
  const double scale = spec.metric == Metric::L2 ? all : magnitude;
  // If the weights cancel out or are mostly negative, no single vector has this order.
  if (scale <= magnitude * 1e-6) return false;
  std::vector<float> sum(spec.dim);
  for (uint32_t i = 0; i < spec.dim; i++) {
    double total = 0;
    for (size_t at = 0; at < weights.size(); at++) total += double(weights[at]) * example(at)[i];
    sum[i] = static_cast<float>(total / scale);
  }
  if (prepareVectors(sum.data(), 1, spec.dim, spec.metric == Metric::Cosine) >= 0) return false;
  if (std::all_of(sum.begin(), sum.end(), [](float x) { return x == 0; })) return false;
  leads.vectors = std::move(sum);
  leads.isMade = true;
  return true;
}

ExampleSearch::Leads ExampleSearch::leads() const {
  Leads leads;
  const auto lead = [&](uint32_t count) { leads.vectors.assign(example(0), example(count)); };
  std::vector<float> weights;
  if (isSum(weights)) {
    addSum(weights, leads);
    return leads;
  }
  switch (examples_.combine) {
  case Combine::BestScore:
    if (examples_.positives < examples_.count) leads.among = Among::LikedMore;
    lead(examples_.positives);
    break;
  case Combine::Discover:
    if (examples_.count > 1) leads.among = Among::RightOfAllPairs;
    lead(1);
    break;
  case Combine::Context:
    if (examples_.count == 0) break;
    leads.among = Among::RightOfAllPairs;
    lead(1);
    break;
  default: break;
  }
  return leads;
}

Result<bool> ExampleSearch::follow(const Leads& leads, std::vector<Neighbor>& best) {
  const uint32_t dim = space_.spec().dim;
  SearchRequest request = request_;
  request.examples.reset();
  request.lossShare *= kLossShare;
  const size_t wanted = wanted_ + kSpare;
  // All searches have the same filter, so matches are counted once.
  const uint64_t matchesElsewhere = stats_.matches;
  uint64_t matches = 0;
  const double scanned = double(space_.linked()) * examples_.count;
  const uint64_t distancesElsewhere = stats_.distances;
  std::vector<Neighbor> found;
  for (size_t from = 0; from < leads.vectors.size(); from += dim) {
    request.query.assign(leads.vectors.begin() + ptrdiff_t(from),
                         leads.vectors.begin() + ptrdiff_t(from + dim));
    Condition condition(*this, leads.among);
    SegmentSearch search(scope_, request, wanted, stats_);
    if (leads.among != Among::All) search.require(condition);
    VICINAL_TRY(search.run(found));
    VICINAL_TRY(condition.status());
    stats_.distances += condition.counts().distances;
    stats_.bytes += condition.counts().bytes;
    matches = std::max(matches, stats_.matches - matchesElsewhere);
    stats_.matches = matchesElsewhere;
    const SegmentReport report = search.report();
    if (from == 0 || report.recall < report_.recall) report_ = report;
    // Vertices that the condition refuses may still be among the best, so all vertices are scored
    // then.
    if (leads.among != Among::All && found.size() < wanted_) return false;
    // With many examples, each candidate is compared with every example. Comparing all vectors with
    // them may then take less time.
    const auto ofOne = double(stats_.distances - distancesElsewhere) / double(from + dim);
    if (from + dim < leads.vectors.size() && ofOne * double(leads.vectors.size()) > scanned)
      return false;
    best.insert(best.end(), found.begin(), found.end());
  }
  const auto byVertex = [](const Neighbor& a, const Neighbor& b) { return a.vertex < b.vertex; };
  const auto isSame = [](const Neighbor& a, const Neighbor& b) { return a.vertex == b.vertex; };
  std::sort(best.begin(), best.end(), byVertex);
  best.erase(std::unique(best.begin(), best.end(), isSame), best.end());
  VICINAL_TRY(score(best));
  best.resize(std::min(best.size(), wanted_));
  stats_.matches += matches;
  return true;
}

Status ExampleSearch::followMade(const Leads& leads, std::vector<Neighbor>& best) {
  SearchRequest request = request_;
  request.examples.reset();
  request.query = leads.vectors;
  // Dot graphs lead to long vectors from almost everywhere. From there they may not lead on to
  // vectors that are greatest in an unusual direction, however wide the beam. So vectors are
  // scanned.
  bool isScanned = space_.spec().metric == Metric::Dot;
  // An exact request would also scan the tail, which this request may leave out.
  const auto scanVectors = [&] {
    request.ef = 0;
    request.oversampling = 0;
    request.recall = 1;
    request.ignoresCodes = true;
  };
  if (isScanned) scanVectors();
  const size_t wanted = wanted_ + kSpare;
  // The number of better vectors that a wider beam may find before it must be widened again.
  const auto allowed = static_cast<size_t>((1 - request_.recall) / 2 * float(wanted_));
  const double promisedElsewhere = stats_.recall;
  double promised = 0;
  const uint64_t matchesElsewhere = stats_.matches;
  std::vector<Neighbor> wider;
  while (true) {
    stats_.matches = matchesElsewhere;
    SegmentSearch search(scope_, request, wanted, stats_);
    VICINAL_TRY(search.run(wider));
    VICINAL_TRY(score(wider));
    wider.resize(std::min(wider.size(), wanted_));
    report_ = search.report();
    const bool isWidened = request.ef > 0;
    if (isWidened && report_.width > 0)
      report_.recall = promised;
    else
      promised = report_.recall;
    const bool isSettled = isWidened && countNew(best, wider) <= allowed;
    best = wider;
    if (isSettled || report_.width == 0) break;
    request.ef = kWidening * std::max(report_.width, uint32_t(wanted));
    // Codes distinguish far vectors less well, so everything in the beam is rescored.
    request.oversampling = float(request.ef) / float(wanted);
    if (kDistancesPerEf * request.ef < space_.linked() * kSequentialDistance) continue;
    isScanned = true;
    scanVectors();
  }
  if (isScanned) report_.whyNoWalk = "examples";
  stats_.recall = std::min(promisedElsewhere, report_.recall);
  return Status::ok();
}

Status ExampleSearch::score(std::vector<Neighbor>& found) {
  SpaceSearch search(space_, nullptr, scope_.waiting, stats_);
  search.scoreBy(&examples_);
  std::vector<uint32_t> vertices;
  for (const Neighbor& neighbor : found) vertices.push_back(neighbor.vertex);
  std::vector<float> distances(found.size());
  VICINAL_TRY(search.score(vertices, distances.data()));
  stats_.rescored += vertices.size();
  for (size_t at = 0; at < found.size(); at++) found[at].distance = distances[at];
  std::sort(found.begin(), found.end(), isNearer);
  return Status::ok();
}

Status ExampleSearch::scoreAll(std::vector<Neighbor>& best) {
  best.clear();
  SegmentSearch search(scope_, request_, wanted_, stats_);
  VICINAL_TRY(search.run(best));
  report_ = search.report();
  return Status::ok();
}

} // namespace vicinal
