#include "search/recall_meter.hpp"

#include <algorithm>
#include <cmath>

namespace vicinal {

namespace {

// Older ones tell of queries that nobody asks any more.
constexpr size_t kMostWaiting = 64;
// So many are measured between two changes of the share of the loss.
constexpr size_t kShareEach = 48;
// However bad it looks: how much less may be lost than was asked for.
constexpr double kLeastLoss = 0.1;
// So many are measured between two looks at whether the calibration is off. Of many looks some are
// wrong by chance, and the short window is looked at most often: hence its third error.
constexpr size_t kLookEach = 16;
constexpr double kErrorsShort = 3;
constexpr double kErrors = 2;
// Of the loss allowed, what callers must get beyond it before that is thought a waste.
constexpr double kWaste = 1.0 / 3;
// With the share below this it is the share that wastes, and it will rise.
constexpr float kNoShare = 0.9f;
// So long live queries are waited for where there are few.
constexpr double kPatienceMs = 20'000;
// A pause is so many times as long as the calibration before it took, hence a twentieth of a core.
constexpr double kPausePerWork = 20;
// Nothing is measured for so many times as long as measuring waited for a core.
constexpr double kRestPerWait = 16;

} // namespace

size_t RecallMeter::room() const {
  if (remembered_.empty()) return kReservoir;
  const size_t each = std::max<size_t>(1, remembered_[0].query.vector.size() * sizeof(float));
  return std::clamp(kReservoirBytes / each, kMostWaiting, kReservoir);
}

void RecallMeter::note(const SearchRequest& request) {
  const bool isPlain = !request.filter && !request.hasThreshold && request.offset == 0 &&
                       request.limit > 0 && request.exclude.empty() && !request.ignoresCodes &&
                       request.rescores && request.oversampling == 0 && !request.isIndexedOnly;
  const bool asksRecall = !request.isExact && request.ef == 0 && request.recall < 1;
  if (!asksRecall || !isPlain) return;
  if (seen_.fetch_add(1, std::memory_order_relaxed) % kOneIn != 0) return;
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  if (remembered_.size() < room()) remembered_.emplace_back();
  Remembered& slot = remembered_[rememberedEver_ % remembered_.size()];
  slot.query.vector.assign(request.query.begin(), request.query.end());
  slot.query.limit = request.limit;
  slot.query.recall = request.recall;
  slot.query.number = rememberedEver_++;
  slot.isTaken = false;
}

std::optional<RecallMeter::Query> RecallMeter::take() {
  std::lock_guard lock(mutex_);
  const size_t among = std::min(remembered_.size(), kMostWaiting);
  for (size_t back = 1; back <= among; back++) {
    Remembered& each = remembered_[(rememberedEver_ - back) % remembered_.size()];
    if (each.isTaken) continue;
    each.isTaken = true;
    return each.query;
  }
  return std::nullopt;
}

size_t RecallMeter::waiting() const {
  size_t count = 0;
  const size_t among = std::min(remembered_.size(), kMostWaiting);
  for (size_t back = 1; back <= among; back++)
    count += remembered_[(rememberedEver_ - back) % remembered_.size()].isTaken ? 0 : 1;
  return count;
}

// 0: the one measured last.
const RecallMeter::Measured& RecallMeter::last(size_t back) const {
  return measured_[(measuredEver_ - 1 - back) % measured_.size()];
}

void RecallMeter::learn(const Query& query, double got, bool isByPlan) {
  std::lock_guard lock(mutex_);
  const Measured measured{query.recall, float(got), isByPlan, query.number};
  if (measured_.size() < kWindow)
    measured_.push_back(measured);
  else
    measured_[measuredEver_ % kWindow] = measured;
  measuredEver_++;
  measuredSince_++;
  if (measuredSince_ % kShareEach == 0) shareLoss();
  if (measuredSince_ % kLookEach != 0 || want_ || isCalibrating_) return;
  for (const size_t window : {kShortWindow, kWindow}) {
    if (measuredSince_ < window || !isOff(window)) continue;
    want_ = Want{last(window - 1).number};
    for (size_t back = 0; back < window; back++)
      want_->since = std::min(want_->since, last(back).number);
    return;
  }
}

void RecallMeter::restAfter(double tookMs, double ranMs, double nowMs) {
  std::lock_guard lock(mutex_);
  const double waitedMs = std::max(0.0, tookMs - ranMs);
  // On idle cores it waits for little but the clock.
  const bool wasBusy = waitedMs > ranMs;
  restsUntilMs_ = wasBusy ? nowMs + std::min(kMostRestMs, kRestPerWait * waitedMs) : nowMs;
}

bool RecallMeter::isResting(double nowMs) const {
  std::lock_guard lock(mutex_);
  return nowMs < restsUntilMs_;
}

// Of those that were measured under the share of now.
void RecallMeter::shareLoss() {
  double lost = 0;
  double allowed = 0;
  for (size_t back = 0; back < kShareEach; back++) {
    lost += 1 - last(back).got;
    allowed += 1 - last(back).asked;
  }
  // Half a step at a time.
  const double now = lossShare_.load();
  const double share = lost <= 0 ? 1 : now * allowed / lost;
  lossShare_.store(float(std::clamp((now + share) / 2, kLeastLoss, 1.0)));
}

bool RecallMeter::isOff(size_t window) const {
  double sum = 0;
  double squares = 0;
  double allowed = 0;
  bool areByPlan = true;
  for (size_t back = 0; back < window; back++) {
    const Measured& each = last(back);
    const double beyond = double(each.got) - each.asked;
    sum += beyond;
    squares += beyond * beyond;
    allowed += 1 - double(each.asked);
    areByPlan = areByPlan && each.isByPlan;
  }
  const double count = double(window);
  const double mean = sum / count;
  const double error = std::sqrt(std::max(0.0, squares / count - mean * mean) / count);
  if (mean < -(window == kShortWindow ? kErrorsShort : kErrors) * error) return true;
  // Where it is a scan that finds all, no calibration finds less.
  if (window == kShortWindow || !areByPlan || lossShare() < kNoShare) return false;
  return mean > allowed / count * kWaste && mean > kErrors * error;
}

std::shared_ptr<const LiveQueries> RecallMeter::samples(double nowMs) {
  std::lock_guard lock(mutex_);
  if (!want_ || isCalibrating_) return nullptr;
  if (want_->atMs < 0) want_->atMs = nowMs;
  if (nowMs < quietUntilMs_) return nullptr;
  // Those from before may have been of another kind.
  const bool isFull = rememberedEver_ - want_->since >= room();
  if (!isFull && nowMs < want_->atMs + kPatienceMs) return nullptr;
  const bool wasPeace = want_->atMs > quietUntilMs_ + pauseMs_;
  pauseMs_ = wasPeace || pauseMs_ == 0 ? kFirstPauseMs : std::min(2 * pauseMs_, kMostPauseMs);
  isCalibrating_ = true;
  calibratingSinceMs_ = nowMs;
  return lately(want_->since);
}

std::shared_ptr<const LiveQueries> RecallMeter::lately(uint64_t since) const {
  auto live = std::make_shared<LiveQueries>();
  for (const Remembered& each : remembered_)
    if (each.query.number >= since) live->vectors.push_back(each.query.vector);
  return live;
}

bool RecallMeter::isCalibrating() const {
  std::lock_guard lock(mutex_);
  return isCalibrating_;
}

void RecallMeter::adopted(double nowMs) {
  std::lock_guard lock(mutex_);
  const double worked = nowMs - calibratingSinceMs_;
  quietUntilMs_ = nowMs + std::clamp(kPausePerWork * worked, pauseMs_, kMostPauseMs);
  isCalibrating_ = false;
  want_.reset();
  measuredSince_ = 0;
  lossShare_.store(1);
}

uint64_t RecallMeter::bytes() const {
  std::lock_guard lock(mutex_);
  uint64_t bytes = measured_.capacity() * sizeof(Measured);
  for (const Remembered& each : remembered_)
    bytes += sizeof(Remembered) + each.query.vector.capacity() * sizeof(float);
  return bytes;
}

RecallMeter::Reading RecallMeter::reading() const {
  std::lock_guard lock(mutex_);
  Reading reading{measuredEver_, 1, 1, waiting(), want_.has_value()};
  if (measured_.empty()) return reading;
  reading.recall = reading.asked = 0;
  for (const Measured& each : measured_) {
    reading.recall += each.got / double(measured_.size());
    reading.asked += each.asked / double(measured_.size());
  }
  return reading;
}

} // namespace vicinal
