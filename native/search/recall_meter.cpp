#include "search/recall_meter.hpp"

#include <algorithm>
#include <cmath>

namespace vicinal {

namespace {

// Measured queries between two changes of the loss share.
constexpr size_t kShareEach = 48;
// The least loss share, however much queries lose.
constexpr double kLeastLoss = 0.1;
// Measured queries between two checks of the calibration. With many checks some fail by chance, and
// the short window is checked most often; therefore it needs three standard errors.
constexpr size_t kLookEach = 16;
constexpr double kErrorsShort = 3;
constexpr double kErrors = 2;
// Queries that lose less than the allowed loss, by more than this share of it, waste effort.
constexpr double kWaste = 1.0 / 3;
// If the loss share is below this, the share itself causes the waste, and it will rise.
constexpr float kNoShare = 0.9f;
// How long few live queries wait for more before they are used for calibration.
constexpr double kPatienceMs = 20'000;
// A pause is this many times as long as the calibration before it, so calibration takes at most a
// twentieth of a core.
constexpr double kPausePerWork = 20;
// After measuring had to wait for a core, nothing is measured for this many times the wait.
constexpr double kRestPerWait = 16;
// After a slow query with a filter, none of them is measured for this many times its run time.
// After a run beyond the usual time, nothing is measured for this many times the excess. So
// measuring takes at most a twentieth of a core.
constexpr double kRestPerRun = 20;
// The greatest limit of a query from an earlier process. A float holds it exactly.
constexpr float kMostKeptLimit = 1 << 20;

} // namespace

void RecallMeter::note(const SearchRequest& request) {
  const bool isPlain = !request.hasThreshold && request.offset == 0 && request.limit > 0 &&
                       request.exclude.empty() && !request.ignoresCodes && request.rescores &&
                       request.oversampling == 0 && !request.isIndexedOnly;
  const bool asksRecall = !request.isExact && request.ef == 0 && request.recall < 1;
  if (!asksRecall || !isPlain) return;
  const bool isFiltered = request.filter.has_value();
  if (isFiltered && request.filter->size() > kMostFilterBytes) return;
  auto& seen = isFiltered ? seenFiltered_ : seen_;
  if (seen.fetch_add(1, std::memory_order_relaxed) % kOneIn != 0) return;
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock) (isFiltered ? filtered_ : remembered_).add(request);
}

// Queries with and without a filter take turns.
std::optional<RecallMeter::Query> RecallMeter::take(double nowMs) {
  std::lock_guard lock(mutex_);
  const bool mayTakeFiltered = nowMs >= filteredRestUntilMs_;
  takesFiltered_ = !takesFiltered_;
  if (takesFiltered_ && mayTakeFiltered)
    if (auto query = filtered_.take()) return query;
  if (auto query = remembered_.take()) return query;
  return mayTakeFiltered ? filtered_.take() : std::nullopt;
}

void RecallMeter::learn(const Query& query, double got, bool isByPlan) {
  std::lock_guard lock(mutex_);
  const MeasuredQuery measured{query.recall, float(got), isByPlan, query.number};
  const uint64_t seen = measured_.ever() + measuredFiltered_.ever() + 1;
  if (seen >= kShortWindow) leastRecall_.store(0, std::memory_order_relaxed);
  if (query.filter) {
    measuredFiltered_.add(measured);
    if (++measuredFilteredSince_ % kShareEach == 0) shareLoss(measuredFiltered_, filteredShare_);
    return;
  }
  measured_.add(measured);
  measuredSince_++;
  if (measuredSince_ % kShareEach == 0) shareLoss(measured_, lossShare_);
  if (measuredSince_ % kLookEach != 0 || want_ || isCalibrating_) return;
  for (const size_t window : {kShortWindow, kWindow}) {
    if (measuredSince_ < window || !isOff(window)) continue;
    want_ = Want{measured_.last(window - 1).number};
    for (size_t back = 0; back < window; back++)
      want_->since = std::min(want_->since, measured_.last(back).number);
    return;
  }
}

void RecallMeter::restFiltered(double ranMs, double nowMs) {
  std::lock_guard lock(mutex_);
  filteredRestUntilMs_ = nowMs + std::min(kMostRestMs, kRestPerRun * ranMs);
}

void RecallMeter::restAfter(double tookMs, double ranMs, double nowMs) {
  std::lock_guard lock(mutex_);
  const double waitedMs = std::max(0.0, tookMs - ranMs);
  // Waits on idle cores are short, so a wait longer than the run means a busy machine.
  const bool wasBusy = waitedMs > ranMs;
  const double restMs = std::max(wasBusy ? kRestPerWait * waitedMs : 0,
                                 kRestPerRun * std::max(0.0, ranMs - kUsualRunMs));
  restsUntilMs_ = nowMs + std::min(kMostRestMs, restMs);
}

bool RecallMeter::isResting(double nowMs) const {
  std::lock_guard lock(mutex_);
  return nowMs < restsUntilMs_;
}

// Uses the queries that were measured under the present share.
void RecallMeter::shareLoss(const RecallWindow& measured, std::atomic<float>& share) {
  double lost = 0;
  double allowed = 0;
  for (size_t back = 0; back < kShareEach; back++) {
    lost += 1 - double(measured.last(back).got);
    allowed += 1 - double(measured.last(back).asked);
  }
  // Moves half of the way.
  const double now = share.load();
  const double wanted = lost <= 0 ? 1 : now * allowed / lost;
  share.store(float(std::clamp((now + wanted) / 2, kLeastLoss, 1.0)));
}

bool RecallMeter::isOff(size_t window) const {
  double sum = 0;
  double squares = 0;
  double allowed = 0;
  bool areByPlan = true;
  for (size_t back = 0; back < window; back++) {
    const MeasuredQuery& each = measured_.last(back);
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
  // If a scan finds everything, no calibration can reduce the effort.
  if (window == kShortWindow || !areByPlan || lossShare(false) < kNoShare) return false;
  return mean > allowed / count * kWaste && mean > kErrors * error;
}

std::shared_ptr<const LiveQueries> RecallMeter::samples(double nowMs) {
  std::lock_guard lock(mutex_);
  if (!want_ || isCalibrating_) return nullptr;
  if (want_->atMs < 0) want_->atMs = nowMs;
  if (nowMs < quietUntilMs_) return nullptr;
  // Queries from before the change may be of another kind, so only later ones are used.
  const bool isFull = remembered_.ever() - want_->since >= remembered_.room();
  if (!isFull && nowMs < want_->atMs + kPatienceMs) return nullptr;
  const bool wasPeace = want_->atMs > quietUntilMs_ + pauseMs_;
  pauseMs_ = wasPeace || pauseMs_ == 0 ? kFirstPauseMs : std::min(2 * pauseMs_, kMostPauseMs);
  isCalibrating_ = true;
  calibratingSinceMs_ = nowMs;
  auto live = std::make_shared<LiveQueries>();
  live->vectors = remembered_.vectorsSince(want_->since);
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
  measuredFilteredSince_ = 0;
  filteredShare_.store(1);
}

std::vector<float> RecallMeter::kept() const {
  std::lock_guard lock(mutex_);
  std::vector<float> kept;
  for (const RememberedQuery* query : remembered_.inOrder()) {
    kept.push_back(float(query->limit));
    kept.push_back(query->recall);
    kept.insert(kept.end(), query->vector.begin(), query->vector.end());
  }
  return kept;
}

bool RecallMeter::resume(const float* kept, size_t floats, uint32_t dim) {
  const size_t each = kKeptBeside + dim;
  if (floats % each != 0 || floats / each > kReservoir) return false;
  std::vector<SearchRequest> requests(floats / each);
  for (size_t at = 0; at < requests.size(); at++) {
    const float* const query = kept + at * each;
    const bool isSound = query[0] >= 1 && query[0] <= kMostKeptLimit && query[1] > 0 &&
                         query[1] < 1 &&
                         std::all_of(query, query + each, [](float x) { return std::isfinite(x); });
    if (!isSound) return false;
    requests[at].limit = uint32_t(query[0]);
    requests[at].recall = query[1];
    requests[at].query.assign(query + kKeptBeside, query + each);
  }
  std::lock_guard lock(mutex_);
  for (const SearchRequest& request : requests) remembered_.add(request);
  return true;
}

uint64_t RecallMeter::bytes() const {
  std::lock_guard lock(mutex_);
  return measured_.bytes() + measuredFiltered_.bytes() + remembered_.bytes() + filtered_.bytes();
}

RecallMeter::Reading RecallMeter::reading() const {
  std::lock_guard lock(mutex_);
  const auto meansOf = [](const RecallWindow& measured) {
    return Means{measured.ever(), measured.got(), measured.asked()};
  };
  return {meansOf(measured_), meansOf(measuredFiltered_),
          remembered_.waiting() + filtered_.waiting(), want_.has_value()};
}

} // namespace vicinal
