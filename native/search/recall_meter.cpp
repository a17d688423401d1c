#include "search/recall_meter.hpp"

#include <algorithm>

namespace vicinal {

void RecallMeter::note(const SearchRequest& request) {
  const bool asksRecall = !request.isExact && request.ef == 0 && !request.filter &&
                          !request.hasThreshold && request.offset == 0 && request.limit > 0 &&
                          request.exclude.empty();
  if (!asksRecall || seen_.fetch_add(1, std::memory_order_relaxed) % kOneIn != 0) return;
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || remembered_.size() >= kRemembered) return;
  remembered_.push_back({request.query, request.limit, request.recall});
}

std::vector<RecallMeter::Query> RecallMeter::take(size_t most) {
  std::lock_guard lock(mutex_);
  std::vector<Query> taken;
  while (!remembered_.empty() && taken.size() < most) {
    taken.push_back(std::move(remembered_.back()));
    remembered_.pop_back();
  }
  return taken;
}

void RecallMeter::learn(float asked, double got) {
  std::lock_guard lock(mutex_);
  const Measured measured{asked, float(got)};
  if (measured_.size() < kWindow)
    measured_.push_back(measured);
  else
    measured_[measuredEver_ % kWindow] = measured;
  measuredEver_++;
  if (measured_.size() < kLeastMeasured || measuredEver_ % kLeastMeasured != 0) return;
  double lost = 0;
  double allowed = 0;
  for (const Measured& each : measured_) {
    lost += 1 - each.got;
    allowed += 1 - each.asked;
  }
  // Half a step at a time: what was measured was lost under the share of then.
  const double now = lossShare_.load();
  const double share = lost <= 0 ? 1 : now * allowed / lost;
  lossShare_.store(float(std::clamp((now + share) / 2, kLeastLoss, 1.0)));
}

uint64_t RecallMeter::bytes() const {
  std::lock_guard lock(mutex_);
  uint64_t bytes = measured_.capacity() * sizeof(Measured);
  for (const Query& query : remembered_)
    bytes += sizeof(Query) + query.vector.capacity() * sizeof(float);
  return bytes;
}

RecallMeter::Reading RecallMeter::reading() const {
  std::lock_guard lock(mutex_);
  Reading reading{measuredEver_, 1, 1, remembered_.size()};
  if (measured_.empty()) return reading;
  reading.recall = reading.asked = 0;
  for (const Measured& each : measured_) {
    reading.recall += each.got / double(measured_.size());
    reading.asked += each.asked / double(measured_.size());
  }
  return reading;
}

} // namespace vicinal
