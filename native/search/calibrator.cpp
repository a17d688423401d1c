#include "search/calibrator.hpp"

#include <algorithm>
#include <cmath>

#include "search/space_search.hpp"

namespace vicinal {

namespace {

constexpr uint32_t kSamples = 400;
// With fewer live queries than this, stored vectors are sought beside.
constexpr size_t kEnoughLive = 128;
// Standard errors by which a promise stays below the mean of the sample.
constexpr double kErrorsBelow = 0.8;
// Of what live queries lost, how much more a promise allows for: of queries of another kind some
// lose much more than others, so that a sample says less about the next ones.
constexpr double kLossInHand = 0.1;
// Rows of a block that all samples are compared with; it stays in the cache meanwhile.
constexpr uint32_t kBlockBytes = 32 * 1024;
// How many of the nearest by code are scored exactly.
constexpr uint32_t kDepths[] = {12, 16, 20, 26, 34, 46, 64, 90, 128, 180, 256};
constexpr uint32_t kDeepest = 256;
constexpr size_t kCheckedSamples = 40;
// From here on more reach gains nothing that such a sample could show.
constexpr double kHighestRecall = 0.9995;
// The golden ratio's fraction: its multiples are neither near each other nor in step with anything.
constexpr double kGoldenTurn = 0.6180339887498949;

} // namespace

Calibrator::Calibrator(std::shared_ptr<Segment> segment, size_t vector,
                       std::shared_ptr<const LiveQueries> live,
                       std::shared_ptr<const CodeArray> codes, uint32_t vertices)
    : segment_(std::move(segment)), space_(segment_->space(vector)), codes_(std::move(codes)),
      live_(std::move(live)), vertices_(vertices), foundByCode_(std::size(kDepths), 0) {}

Calibrator::Sample& Calibrator::addSample() {
  Sample& sample = samples_.emplace_back();
  sample.near = TopK(kDeepest);
  sample.isChecked = isCheckedExactly(samples_.size() - 1);
  if (sample.isChecked) sample.nearest = TopK(kCalibratedWanted);
  return sample;
}

void Calibrator::prepare(Sample& sample) {
  if (codes_) codes_->space().prepare(sample.vector.data(), sample.query);
}

Status Calibrator::chooseSamples() {
  const size_t callers = live_ ? live_->vectors.size() : 0;
  for (size_t at = 0; at < callers; at++) {
    Sample& sample = addSample();
    sample.vector = live_->vectors[at];
    prepare(sample);
  }
  const size_t wanted = !live_ ? kSamples : std::max(kEnoughLive, samples_.size());
  const auto cold = space_.coldVectors();
  const uint32_t tried = std::min(2 * kSamples, vertices_);
  for (uint32_t at = 0; at < tried && samples_.size() < wanted; at++) {
    const double turns = at * kGoldenTurn;
    const auto vertex = uint32_t((turns - std::floor(turns)) * vertices_);
    // Those of upper levels cannot be hidden.
    if (space_.graph().levelOf(vertex) > 0) continue;
    Sample& sample = addSample();
    sample.vertex = vertex;
    sample.vector.assign(space_.spec().dim, 0);
    if (cold && vertex < cold->vertices())
      VICINAL_TRY(cold->read(vertex, sample.vector.data(), true));
    else
      std::copy_n(space_.vector(vertex), space_.spec().dim, sample.vector.data());
    prepare(sample);
  }
  return Status::ok();
}

Result<bool> Calibrator::step() {
  if (result_) return false;
  if (samples_.empty()) VICINAL_TRY(chooseSamples());
  if (scanned_ < vertices_) {
    scanBlock();
  } else if (ranked_ < samples_.size()) {
    VICINAL_TRY(rankByCode());
  } else if (walked_ < samples_.size()) {
    VICINAL_TRY(walkOnce());
  } else {
    finishReach();
  }
  return !result_;
}

bool Calibrator::isCheckedExactly(size_t sample) const {
  return codes_ && !space_.coldVectors() && sample < kCheckedSamples;
}

void Calibrator::scanBlock() {
  const uint32_t rowBytes =
      codes_ ? codes_->space().stride() : space_.spec().dim * uint32_t(sizeof(float));
  const uint32_t count = std::min(std::max(1u, kBlockBytes / rowBytes), vertices_ - scanned_);
  for (Sample& sample : samples_) scanFor(sample, count);
  space_.shedScanned(scanned_, count);
  scanned_ += count;
}

void Calibrator::scanFor(Sample& sample, uint32_t count) {
  thread_local std::vector<float> distances;
  distances.resize(count);
  const auto offer = [&](TopK& top) {
    for (uint32_t at = 0; at < count; at++)
      if (distances[at] <= top.bound() && scanned_ + at != sample.vertex)
        top.offer({distances[at], scanned_ + at});
  };
  const auto scanVectors = [&] {
    space_.space().scan(sample.vector.data(), scanned_, count, distances.data());
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

// The nearest by code, scored exactly: the best of them are the truth, and where they stood by code
// tells how deep one has to look.
Status Calibrator::rankByCode() {
  Sample& sample = samples_[ranked_++];
  const std::vector<Neighbor> byCode = sample.near.takeSorted();
  std::vector<uint32_t> vertices;
  for (const Neighbor& neighbor : byCode) vertices.push_back(neighbor.vertex);
  std::vector<float> distances(byCode.size());
  SearchStats stats;
  SpaceSearch search(space_, sample.vector.data(), Waiting::Allowed, stats, codes_);
  VICINAL_TRY(search.score(vertices, distances.data()));
  std::vector<float> sorted = distances;
  std::sort(sorted.begin(), sorted.end());
  const size_t wanted = std::min(kCalibratedWanted, sorted.size());
  sample.farthest = wanted == 0 ? 0 : sorted[wanted - 1];
  const auto foundAmong = [&](size_t foremost) {
    const auto end = distances.begin() + ptrdiff_t(std::min(foremost, distances.size()));
    const auto found = std::count_if(distances.begin(), end,
                                     [&](float distance) { return distance <= sample.farthest; });
    return std::min<uint64_t>(uint64_t(found), kCalibratedWanted);
  };
  if (sample.isChecked) {
    const std::vector<Neighbor> nearest = sample.nearest.takeSorted();
    if (!nearest.empty()) sample.farthest = nearest.back().distance;
    foundChecked_ += foundAmong(kDeepest);
    allChecked_ += nearest.size();
  }
  for (size_t depth = 0; depth < std::size(kDepths); depth++)
    foundByCode_[depth] += foundAmong(kDepths[depth]);
  return Status::ok();
}

Status Calibrator::walkOnce() {
  const Sample& sample = samples_[walked_++];
  const Metric metric = space_.spec().metric;
  const Effort effort{measuredReaches(metric)[reach_], kDeepest};
  SearchOptions options = walkOptions(metric, effort, kCalibratedWanted);
  options.hidden = sample.vertex;
  SearchStats stats;
  SpaceSearch search(space_, sample.vector.data(), Waiting::Allowed, stats, codes_);
  std::vector<Neighbor> found;
  SearchEnd end = SearchEnd::Complete;
  VICINAL_TRY(search.walk(options, effort.rescored, AcceptAll{}, found, end));
  const auto isNear = [&](const Neighbor& neighbor) {
    return neighbor.distance <= sample.farthest && neighbor.vertex < vertices_;
  };
  const auto near = size_t(std::count_if(found.begin(), found.end(), isNear));
  const double recall = double(std::min(near, kCalibratedWanted)) / kCalibratedWanted;
  recallSum_ += recall;
  recallSquares_ += recall * recall;
  distances_ += double(stats.distances) - (codes_ ? double(found.size()) : 0);
  return Status::ok();
}

void Calibrator::finishReach() {
  const std::vector<float> all = measuredReaches(space_.spec().metric);
  const double count = double(std::max<size_t>(1, samples_.size()));
  const double mean = recallSum_ / count;
  const double variance = std::max(0.0, recallSquares_ / count - mean * mean);
  // Somewhat below the mean, and never all: the sample may have been an easy one.
  const double below =
      std::max(kErrorsBelow * std::sqrt(variance / count), live_ ? kLossInHand * (1 - mean) : 0.0);
  const auto low = float(std::clamp(mean - below, 0.0, kHighestRecall));
  if (reaches_.empty() || low > reaches_.back().recall)
    reaches_.push_back({all[reach_], low, float(distances_ / count)});
  reach_++;
  walked_ = 0;
  recallSum_ = recallSquares_ = distances_ = 0;
  if (mean >= kHighestRecall || reach_ == all.size()) finish();
}

void Calibrator::finish() {
  std::vector<Calibration::Depth> depths;
  const double all = double(std::max<size_t>(1, samples_.size() * kCalibratedWanted));
  // What the deepest look misses, where it was compared with vectors alone, all others miss too.
  const double seen = allChecked_ == 0 ? 1 : double(foundChecked_) / double(allChecked_);
  for (size_t depth = 0; depth < std::size(kDepths); depth++)
    depths.push_back({kDepths[depth], float(seen * double(foundByCode_[depth]) / all)});
  const auto live = uint32_t(live_ ? live_->vectors.size() : 0);
  const Calibration::Samples samples{uint32_t(samples_.size()) - live, live};
  result_ = std::make_shared<const Calibration>(vertices_, samples, std::move(reaches_),
                                                std::move(depths));
}

} // namespace vicinal
