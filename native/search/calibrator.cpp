#include "search/calibrator.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "search/median.hpp"
#include "search/near_twins.hpp"
#include "search/search_cost.hpp"
#include "search/space_search.hpp"

namespace vicinal {

namespace {

constexpr uint32_t kSamples = 400;
// With fewer live queries than this, stored vectors are added to the samples.
constexpr size_t kEnoughLive = 128;
// Standard errors by which a promised recall stays below the sample's mean.
constexpr double kErrorsBelow = 0.8;
// The share of the loss of live queries that is promised less in addition. Queries of another kind
// than the data vary more, so a sample says less about the next queries.
constexpr double kLossInHand = 0.1;
// The same share for vectors whose twins are hidden with them. Their recall varies by whole groups,
// and the remaining lists know more of the way than a graph without them would.
constexpr double kLossInHandOfTwins = 0.4;
// Bytes of a block of rows that all samples are compared with; the block stays in the cache
// meanwhile.
constexpr uint32_t kBlockBytes = 32 * 1024;
// The values of epsilon to measure, in standard deviations of the codes' errors.
constexpr float kDoubts[] = {0, 0.25f, 0.5f, 0.75f, 1, 1.25f, 1.5f, 1.75f, 2, 2.5f, 3, 3.5f, 4, 5};
constexpr size_t kCheckedSamples = 40;
// From this recall on, no walk of the sample is cut off, because the last neighbours are wanted.
constexpr double kUnboundedRecall = 0.997;
// From this recall on, more reach brings no gain that a sample of this size could show.
constexpr double kHighestRecall = 0.9995;
// The fraction of the golden ratio: its multiples are spread evenly without a period.
constexpr double kGoldenTurn = 0.6180339887498949;
constexpr uint32_t kShuffleSeed = 1;
// Samples of walks among accepted vertices.
constexpr size_t kAcceptedSamples = 200;
// Walks of one reach are enough once they have taken this many distances together and are at least
// kFewestWalks. The longest walks take a hundred times as long as the shortest.
constexpr double kEnoughDistances = 8e6;
constexpr size_t kFewestWalks = 128;
// Walks that cost more than this multiple of a scan are never used, so they are not measured. Small
// spaces are measured all the same, since they may grow much before the next calibration.
constexpr double kMostOfScan = 2;
constexpr double kAlwaysMeasured = 20'000;
// Rounds of measuring paces, and the recall of the walks in them.
constexpr size_t kPacedTurns = 24;
constexpr float kPacedRecall = 0.95f;
// Paces outside these bounds come from disturbances rather than from the machine.
constexpr float kLeastPace = 1.2f, kMostPace = 8;
constexpr float kLeastGathered = 0.1f, kMostGathered = 0.6f;

// A made-up filter: accepts vertices by a hash of their number.
bool isAcceptedAtRandom(uint32_t vertex) {
  constexpr auto kBelow = uint32_t(kAcceptedShare * double(UINT32_MAX));
  uint32_t hash = vertex * 0x9e3779b1u;
  hash = (hash ^ hash >> 15) * 0x85ebca77u;
  return (hash ^ hash >> 13) < kBelow;
}

// How many candidates this epsilon rescores, given their exact distances.
size_t scoredWith(float doubt, const std::vector<Neighbor>& byCode,
                  const std::vector<float>& exact) {
  thread_local RescoringProgress progress;
  progress.start({kDeepest, kCalibratedWanted, doubt});
  while (const size_t count = progress.next(byCode.data(), byCode.size())) {
    const size_t from = progress.scored();
    progress.add(byCode.data() + from, exact.data() + from, count);
  }
  return progress.scored();
}

} // namespace

Calibrator::Calibrator(std::shared_ptr<const VectorSpace> space,
                       std::shared_ptr<const LiveQueries> live,
                       std::shared_ptr<const CodeArray> codes, uint32_t vertices)
    : owner_(std::move(space)), space_(*owner_), codes_(std::move(codes)), live_(std::move(live)),
      vertices_(vertices) {
  for (Asked& asked : asked_) asked.depths.resize(std::size(kDoubts));
  const auto before = space_.calibration();
  const bool wereCompared = space_.comparedAt() > vertices_ / 2 && !before->depths().empty();
  if (wereCompared && space_.coldVectors() && space_.codes() == codes_)
    foundBefore_ = before->depths().back().recall;
}

Calibrator::Sample& Calibrator::addSample() {
  Sample& sample = samples_.emplace_back();
  sample.near = Shortlist(kDeepest);
  sample.isChecked = isCheckedExactly(samples_.size() - 1);
  if (sample.isChecked) sample.nearest = TopK(kCalibratedWanted + kMostTwins);
  return sample;
}

void Calibrator::prepare(Sample& sample) {
  if (codes_) codes_->space().prepare(sample.vector.data(), sample.query);
}

Status Calibrator::chooseSamples() {
  // Some reaches are measured on the first samples only, and queries that came together may be
  // alike. So the order is shuffled.
  std::vector<size_t> callers(live_ ? live_->vectors.size() : 0);
  std::iota(callers.begin(), callers.end(), 0);
  std::shuffle(callers.begin(), callers.end(), std::minstd_rand(kShuffleSeed));
  for (const size_t at : callers) {
    Sample& sample = addSample();
    sample.vector = live_->vectors[at];
    prepare(sample);
  }
  const size_t wanted = !live_ ? kSamples : std::max(kEnoughLive, samples_.size());
  const uint32_t tried = std::min(2 * kSamples, vertices_);
  for (uint32_t at = 0; at < tried && samples_.size() < wanted; at++) {
    const double turns = at * kGoldenTurn;
    const auto vertex = uint32_t((turns - std::floor(turns)) * vertices_);
    // Vertices of upper levels cannot be hidden.
    if (space_.graph().levelOf(vertex) > 0) continue;
    Sample& sample = addSample();
    stored_++;
    sample.vertex = vertex;
    sample.hidden = std::make_unique<AbsentVertices>(space_, codes_, std::vector<uint32_t>{vertex});
    sample.vector.assign(space_.spec().dim, 0);
    VICINAL_TRY(space_.load(vertex, sample.vector.data(), true));
    prepare(sample);
  }
  return Status::ok();
}

Result<bool> Calibrator::step() {
  if (result_) return false;
  if (samples_.empty()) VICINAL_TRY(chooseSamples());
  if (scanned_ < vertices_) {
    VICINAL_TRY(scanBlock());
  } else if (ranked_ < samples_.size()) {
    VICINAL_TRY(rankByCode());
  } else if (!others_.empty()) {
    mixSamples();
  } else if (!space_.hasGraph()) {
    // Without a graph, codes alone can lose neighbours.
    finish();
  } else if (stage_ == Stage::Paces) {
    VICINAL_TRY(measurePaces());
  } else if (!hasWalkedEnough()) {
    VICINAL_TRY(walkOnce());
  } else {
    const auto again = stage_ == Stage::All ? walkLongOnceAgain() : Result<bool>(false);
    if (!again) return again.status();
    if (!*again) finishReach();
  }
  return !result_;
}

bool Calibrator::hasWalkedEnough() {
  const size_t most =
      stage_ == Stage::All ? samples_.size() : std::min(samples_.size(), kAcceptedSamples);
  const Curve& now = curve();
  return now.walked >= most || (now.walked >= kFewestWalks && now.spent >= kEnoughDistances);
}

bool Calibrator::isCheckedExactly(size_t sample) const {
  return codes_ && !foundBefore_ && sample < kCheckedSamples;
}

Status Calibrator::scanBlock() {
  const uint32_t rowBytes = codes_ ? codes_->space().stride() : space_.space().rowBytes;
  const uint32_t count = std::min(std::max(1u, kBlockBytes / rowBytes), vertices_ - scanned_);
  std::vector<uint8_t> room;
  uint32_t first = scanned_;
  const auto vectors = blockOf(count, room, first);
  if (!vectors) return vectors.status();
  for (Sample& sample : samples_) scanFor(sample, count, *vectors, first);
  space_.shedScanned(scanned_, count);
  scanned_ += count;
  return Status::ok();
}

Result<Space> Calibrator::blockOf(uint32_t count, std::vector<uint8_t>& room,
                                  uint32_t& first) const {
  const auto cold = space_.coldVectors();
  const Space& all = space_.space();
  if (!cold || scanned_ >= cold->vertices() || !isCheckedExactly(0)) return all;
  room.resize(size_t(count) * all.rowBytes);
  const uint32_t inFile = std::min(count, cold->vertices() - scanned_);
  VICINAL_TRY(cold->readAll(scanned_, inFile, room.data()));
  for (uint32_t at = inFile; at < count; at++)
    std::memcpy(&room[size_t(at) * all.rowBytes], space_.vector(scanned_ + at), all.rowBytes);
  first = 0;
  return Space(all.metric, all.dim, room.data(), space_.spec().datatype);
}

void Calibrator::scanFor(Sample& sample, uint32_t count, const Space& vectors, uint32_t first) {
  thread_local std::vector<float> distances;
  distances.resize(count);
  const auto offer = [&](auto& nearest) {
    nearest.offerAll(
        distances.data(), count, [&](size_t at) { return scanned_ + uint32_t(at); },
        [&](uint32_t vertex) { return vertex != sample.vertex; });
  };
  const auto scanVectors = [&] {
    vectors.scan(sample.vector.data(), first, count, distances.data());
  };
  if (codes_)
    codes_->space().scan(sample.query, scanned_, count, distances.data());
  else
    scanVectors();
  offer(sample.near);
  if (!sample.isChecked) return;
  scanVectors();
  offer(sample.nearest);
}

// Scores the nearest by code exactly; the best are the truth. Their ranks by code show each
// epsilon's recall and the number of candidates that it scores.
Status Calibrator::rankByCode() {
  Sample& sample = samples_[ranked_++];
  Ranked ranked{sample.near.takeSorted(), {}, {}};
  std::vector<uint32_t> vertices;
  for (const Neighbor& neighbor : ranked.byCode) vertices.push_back(neighbor.vertex);
  ranked.exact.resize(vertices.size());
  SearchStats stats;
  SpaceSearch search(space_, sample.vector.data(), Waiting::Allowed, stats, codes_);
  VICINAL_TRY(search.score(vertices, ranked.exact.data()));
  if (sample.isChecked) ranked.nearest = sample.nearest.takeSorted();
  if (sample.vertex != kNoVertex) return rankStored(sample, ranked);
  learn(sample, ranked);
  return Status::ok();
}

Status Calibrator::rankStored(Sample& sample, const Ranked& ranked) {
  auto twins = twinsOf(sample, ranked);
  if (!twins) return twins.status();
  sample.hasTwins = !twins->empty();
  learn(sample, ranked);
  if (!sample.hasTwins) return Status::ok();
  Sample& other = others_.emplace_back();
  other.vertex = sample.vertex;
  other.hasTwins = other.isWithoutTwins = true;
  other.isChecked = sample.isChecked;
  other.vector = sample.vector;
  prepare(other);
  std::vector<uint32_t> hidden = twins.take();
  hidden.insert(hidden.begin(), sample.vertex);
  other.hidden = std::make_unique<AbsentVertices>(space_, codes_, std::move(hidden));
  Ranked left;
  for (size_t at = 0; at < ranked.byCode.size(); at++) {
    if (other.hidden->hides(ranked.byCode[at].vertex)) continue;
    left.byCode.push_back(ranked.byCode[at]);
    left.exact.push_back(ranked.exact[at]);
  }
  for (const Neighbor& each : ranked.nearest)
    if (!other.hidden->hides(each.vertex)) left.nearest.push_back(each);
  learn(other, left);
  return Status::ok();
}

Result<std::vector<uint32_t>> Calibrator::twinsOf(const Sample& sample, const Ranked& ranked) {
  const Metric metric = space_.spec().metric;
  const Space byEuclid(Metric::L2, space_.spec().dim, sample.vector.data());
  std::vector<float> vector(space_.spec().dim);
  std::vector<Neighbor> nearest;
  for (size_t at = 0; at < ranked.byCode.size(); at++) {
    const uint32_t vertex = ranked.byCode[at].vertex;
    float distance = ranked.exact[at];
    if (metric == Metric::Dot) {
      VICINAL_TRY(space_.load(vertex, vector.data(), true));
      distance = byEuclid.distance(vector.data(), 0);
    }
    nearest.push_back({apart(metric == Metric::Dot ? Metric::L2 : metric, distance), vertex});
  }
  std::sort(nearest.begin(), nearest.end(), isNearer);
  std::vector<float> ascending;
  for (const Neighbor& each : nearest) ascending.push_back(each.distance);
  std::vector<uint32_t> twins(countTwins(ascending));
  for (size_t at = 0; at < twins.size(); at++) twins[at] = nearest[at].vertex;
  return twins;
}

void Calibrator::learn(Sample& sample, const Ranked& ranked) {
  const std::vector<float>& distances = ranked.exact;
  std::vector<float> sorted = distances;
  std::sort(sorted.begin(), sorted.end());
  const size_t wanted = std::min(kCalibratedWanted, sorted.size());
  sample.farthest = wanted == 0 ? 0 : sorted[wanted - 1];
  sample.nearestFound = wanted == 0 ? 0 : sorted[0];
  const auto foundAmong = [&](size_t foremost) {
    const auto end = distances.begin() + ptrdiff_t(foremost);
    const auto found = std::count_if(distances.begin(), end,
                                     [&](float distance) { return distance <= sample.farthest; });
    return std::min<uint64_t>(uint64_t(found), kCalibratedWanted);
  };
  if (sample.isChecked) {
    const size_t nearest = std::min(ranked.nearest.size(), kCalibratedWanted);
    if (nearest > 0) sample.farthest = ranked.nearest[nearest - 1].distance;
    foundChecked_ += foundAmong(distances.size());
    allChecked_ += nearest;
  }
  for (size_t of = 0; of < asked_.size(); of++) asked_[of].samples += isAsked(sample, of) ? 1 : 0;
  for (size_t at = 0; at < std::size(kDoubts); at++) {
    const size_t scored = scoredWith(kDoubts[at], ranked.byCode, distances);
    const uint64_t found = foundAmong(scored);
    for (size_t of = 0; of < asked_.size(); of++) {
      if (!isAsked(sample, of)) continue;
      asked_[of].depths[at].scored += scored;
      asked_[of].depths[at].found += found;
    }
  }
  std::vector<float> accepted;
  for (size_t at = 0; at < distances.size(); at++)
    if (isAcceptedAtRandom(ranked.byCode[at].vertex)) accepted.push_back(distances[at]);
  if (accepted.size() < kCalibratedWanted) return;
  std::sort(accepted.begin(), accepted.end());
  sample.farthestAccepted = accepted[kCalibratedWanted - 1];
}

// Some reaches are measured on the first samples only, so both kinds of samples are mixed.
void Calibrator::mixSamples() {
  for (Sample& other : others_) samples_.push_back(std::move(other));
  others_.clear();
  std::shuffle(samples_.begin(), samples_.end(), std::minstd_rand(kShuffleSeed));
  ranked_ = samples_.size();
}

Status Calibrator::walkOnce() {
  const size_t sample = curve().walked++;
  return stage_ == Stage::All ? walkAmongAll(sample, INFINITY) : walkAmongAccepted(sample);
}

Result<bool> Calibrator::walkLongOnceAgain() {
  if (all_.typical <= 0) {
    double recalls = 0;
    std::vector<float> distances;
    for (const Walk& walk : all_.walks) {
      recalls += walk.recall;
      distances.push_back(float(walk.distances));
    }
    if (distances.empty()) return false;
    const bool isNearlyAll = recalls >= kUnboundedRecall * double(distances.size());
    const double longest = *std::max_element(distances.begin(), distances.end());
    all_.typical = medianOf(distances);
    all_.most = isNearlyAll ? longest : std::min(longest, kMostOfTypical * all_.typical);
  }
  while (all_.lookedAgain < all_.walks.size()) {
    Walk& walk = all_.walks[all_.lookedAgain++];
    if (walk.distances <= all_.most) continue;
    // The new walk replaces the long one.
    std::swap(walk, all_.walks.back());
    const size_t sample = all_.walks.back().sample;
    all_.walks.pop_back();
    VICINAL_TRY(walkAmongAll(sample, all_.most));
    std::swap(all_.walks[all_.lookedAgain - 1], all_.walks.back());
    return true;
  }
  return false;
}

Status Calibrator::walkAmongAll(size_t at, double mostDistances) {
  const Sample& sample = samples_[at];
  const Metric metric = space_.spec().metric;
  const Effort effort{measuredReaches(metric)[all_.reach]};
  SearchOptions options = walkOptions(metric, effort, kCalibratedWanted);
  options.hidden = sample.hidden.get();
  if (std::isfinite(mostDistances)) options.maxDistances = uint64_t(mostDistances);
  SearchStats stats;
  SpaceSearch search(space_, sample.vector.data(), Waiting::Allowed, stats, codes_);
  std::vector<Neighbor> found;
  SearchEnd end = SearchEnd::Complete;
  VICINAL_TRY(search.lead(options, AcceptAll{}, found, end));
  if (sample.hidden) VICINAL_TRY(sample.hidden->endWalk());
  const auto distances = double(stats.distances);
  if (codes_) VICINAL_TRY(search.rescore({kDeepest}, found));
  all_.walks.push_back({at, recallOf(found, sample.farthest), distances});
  all_.spent += distances;
  return Status::ok();
}

Status Calibrator::walkAmongAccepted(size_t at) {
  const Sample& sample = samples_[at];
  if (!sample.farthestAccepted) return Status::ok();
  if (acceptedVertices_.isEmpty()) chooseAccepted();
  const Metric metric = space_.spec().metric;
  const Effort effort{measuredReaches(metric)[accepted_.reach]};
  SearchOptions options = walkOptions(metric, effort, kCalibratedWanted);
  options.hidden = sample.hidden.get();
  SearchStats stats;
  SpaceSearch search(space_, sample.vector.data(), Waiting::Allowed, stats, codes_);
  std::vector<Neighbor> found;
  thread_local Unmet unmet;
  unmet.start(vertices_, acceptedVertices_.words());
  const SearchReport report = search.leadAccepted(options, unmet, AcceptAll{}, found);
  if (codes_) VICINAL_TRY(search.rescore({kDeepest}, found));
  const double recall = recallOf(found, *sample.farthestAccepted);
  accepted_.walks.push_back({at, recall, double(report.distances)});
  accepted_.spent += double(report.distances);
  return Status::ok();
}

void Calibrator::chooseAccepted() {
  acceptedRows_ = RowBitmap(vertices_ == 0 ? 0 : space_.rowOf(vertices_ - 1) + 1);
  acceptedVertices_ = RowBitmap(vertices_);
  acceptedRows_.makeDense();
  acceptedVertices_.makeDense();
  for (uint32_t vertex = 0; vertex < vertices_; vertex++) {
    if (!isAcceptedAtRandom(vertex)) continue;
    acceptedRows_.add(space_.rowOf(vertex));
    acceptedVertices_.add(vertex);
  }
}

double Calibrator::recallOf(const std::vector<Neighbor>& found, float farthest) const {
  const auto isNear = [&](const Neighbor& neighbor) {
    return neighbor.distance <= farthest && neighbor.vertex < vertices_;
  };
  const auto near = size_t(std::count_if(found.begin(), found.end(), isNear));
  return double(std::min(near, kCalibratedWanted)) / kCalibratedWanted;
}

double Calibrator::lowOf(const std::vector<Walk>& walks, size_t asked) const {
  double recalls = 0, squares = 0, count = 0, twins = 0;
  for (const Walk& walk : walks) {
    const Sample& sample = samples_[walk.sample];
    if (!isAsked(sample, asked)) continue;
    count++;
    recalls += walk.recall;
    squares += walk.recall * walk.recall;
    twins += sample.isWithoutTwins ? 1 : 0;
  }
  if (count == 0) return 1;
  const double mean = recalls / count;
  const double variance = std::max(0.0, squares / count - mean * mean);
  // The promise lies somewhat below the mean, since the sample may have been easy.
  const double errors = kErrorsBelow * std::sqrt(variance / count);
  const double inHand = kLossInHandOfTwins * twins / count * (1 - mean);
  return mean - std::max(errors, live_ ? kLossInHand * (1 - mean) : 0) - inHand;
}

void Calibrator::finishReach() {
  Curve& now = curve();
  const std::vector<float> all = measuredReaches(space_.spec().metric);
  const double count = double(std::max<size_t>(1, now.walks.size()));
  double recalls = 0, distances = 0;
  for (const Walk& walk : now.walks) {
    recalls += walk.recall;
    distances += walk.distances;
  }
  const double mean = recalls / count;
  const double least = std::min(lowOf(now.walks, 0), lowOf(now.walks, 1));
  const auto low = float(std::clamp(least, 0.0, kHighestRecall));
  if (!now.walks.empty() && (now.reaches.empty() || low > now.reaches.back().recall))
    now.reaches.push_back(
        {all[now.reach], low, float(distances / count), float(now.typical), float(now.most)});
  now.reach++;
  now.walked = now.lookedAgain = 0;
  now.walks.clear();
  now.typical = now.most = now.spent = 0;
  const double scanned = vertices_ * (stage_ == Stage::Accepted ? kAcceptedShare : 1);
  const double most = std::max(kAlwaysMeasured, kMostOfScan * scanned * kSequentialDistance);
  if (mean < kHighestRecall && distances / count < most && now.reach < all.size()) return;
  stage_ = stage_ == Stage::All ? Stage::Accepted : Stage::Paces;
}

Status Calibrator::measurePaces() {
  if (acceptedVertices_.isEmpty() || all_.reaches.empty() ||
      (paces_ && paces_->turns() == kPacedTurns)) {
    finish();
    return Status::ok();
  }
  if (!paces_) {
    const auto usual =
        std::find_if(all_.reaches.begin(), all_.reaches.end(),
                     [](const Calibration::Reach& each) { return each.recall >= kPacedRecall; });
    // One reach is enough: the pace of a long walk equals that of a short one.
    const float reach = (usual == all_.reaches.end() ? all_.reaches.begin() : usual)->reach;
    const PaceMeter::Matches matches{acceptedRows_, acceptedVertices_};
    paces_.emplace(space_, codes_, matches,
                   walkOptions(space_.spec().metric, {reach}, kCalibratedWanted));
  }
  std::vector<const float*> queries;
  for (size_t at = 0; at < PaceMeter::kQueries; at++)
    queries.push_back(samples_[paced_++ % samples_.size()].vector.data());
  return paces_->step(queries);
}

std::vector<Calibration::Depth> Calibrator::depthsOf(const Asked& asked) const {
  const double samples = double(std::max<size_t>(1, asked.samples));
  const double all = samples * kCalibratedWanted;
  // Neighbours that even the deepest rescoring misses, as checked against vectors, are missed at
  // every depth.
  double seen = allChecked_ == 0 ? 1 : double(foundChecked_) / double(allChecked_);
  if (foundBefore_ && asked.depths.back().found > 0)
    seen = std::min(1.0, *foundBefore_ * all / double(asked.depths.back().found));
  std::vector<Calibration::Depth> depths;
  for (size_t at = 0; at < std::size(kDoubts); at++)
    depths.push_back({kDoubts[at], float(double(asked.depths[at].scored) / samples),
                      float(seen * double(asked.depths[at].found) / all)});
  return depths;
}

void Calibrator::finish() {
  std::vector<Calibration::Depth> depths = depthsOf(asked_[0]);
  const std::vector<Calibration::Depth> others = depthsOf(asked_[1]);
  for (size_t at = 0; at < depths.size(); at++) {
    depths[at].rescored = std::max(depths[at].rescored, others[at].rescored);
    depths[at].recall = std::min(depths[at].recall, others[at].recall);
  }
  const auto live = uint32_t(live_ ? live_->vectors.size() : 0);
  const Calibration::Samples sought{uint32_t(stored_), live};
  Calibration::Accepted accepted;
  if (const float pace = paces_ ? paces_->ofMatches() : 0; pace > 0)
    accepted.pace = std::clamp(pace, kLeastPace, kMostPace);
  if (const float pace = paces_ ? paces_->ofGathered() : 0; pace > 0)
    accepted.gathered = std::clamp(pace, kLeastGathered, kMostGathered);
  accepted.reaches = std::move(accepted_.reaches);
  auto result = std::make_shared<Calibration>(vertices_, sought, std::move(all_.reaches),
                                              std::move(depths), std::move(accepted));
  if (space_.isAmongOthers())
    result->setFar({farOf(&Sample::nearestFound), farOf(&Sample::farthest)});
  result_ = std::move(result);
}

float Calibrator::farOf(float Sample::*distance) const {
  std::vector<float> distances;
  for (const Sample& sample : samples_) distances.push_back(sample.*distance);
  if (distances.empty()) return INFINITY;
  const auto at = distances.begin() + ptrdiff_t(double(distances.size()) * (1 - kFarShare));
  std::nth_element(distances.begin(), at, distances.end());
  return *at;
}

} // namespace vicinal
