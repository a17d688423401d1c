// Measures the recall of callers' queries.
#include <chrono>

#include "base/thread_time.hpp"
#include "shard/shard.hpp"

namespace vicinal {

namespace {

// A call measures for about this long, and one query for at most kMostOfOneQuery.
constexpr double kMostMs = RecallMeter::kUsualRunMs;
constexpr std::chrono::milliseconds kMostOfOneQuery{100};
constexpr double kRounding = 1e-4;

double nowMs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

// The share of the truth that was found. Every hit that scores as well as the last true one counts.
double shareFound(Metric metric, const SearchResult& truth, const SearchResult& found) {
  const float last = truth.scores[truth.rows.count - 1];
  const bool greaterIsNearer = metric == Metric::Cosine || metric == Metric::Dot;
  uint32_t near = 0;
  for (uint32_t at = 0; at < found.rows.count; at++)
    near += (greaterIsNearer ? found.scores[at] >= last : found.scores[at] <= last) ? 1 : 0;
  return double(near) / truth.rows.count;
}

} // namespace

Result<uint32_t> Shard::measureRecall(uint32_t vector, uint32_t most) {
  RecallMeter& meter = meters_[vector];
  const double startedMs = nowMs();
  const double ranBefore = threadSeconds();
  uint32_t measured = 0;
  while (measured < most && !meter.isResting(startedMs)) {
    const auto query = meter.take(nowMs());
    if (!query) break;
    VICINAL_TRY(measure(meter, vector, *query));
    measured++;
    if (nowMs() - startedMs > kMostMs) break;
  }
  if (measured > 0)
    meter.restAfter(nowMs() - startedMs, (threadSeconds() - ranBefore) * 1000, nowMs());
  followCallers(vector);
  return measured;
}

Status Shard::measure(RecallMeter& meter, uint32_t vector, const RecallMeter::Query& query) {
  const Snapshot snapshot = this->snapshot();
  SearchRequest request;
  request.vector = vector;
  request.query = query.vector;
  request.filter = query.filter;
  request.limit = query.limit;
  request.recall = query.recall;
  meter.adjust(request);
  request.walkLength = walkLengths_[vector].typical();
  // A filter may have to be evaluated on every payload, twice; so the search has a deadline.
  const double ranBefore = threadSeconds();
  const CancelFlag outOfTime(query.filter ? CancelFlag::Clock::now() + kMostOfOneQuery
                                          : CancelFlag::Clock::time_point::max());
  SearchResult found;
  SearchResult truth;
  Status status = search(snapshot, spec_.vectors, request, &outOfTime, found);
  request.recall = 1;
  if (status) status = search(snapshot, spec_.vectors, request, &outOfTime, truth);
  const double ranMs = (threadSeconds() - ranBefore) * 1000;
  if (query.filter && ranMs > kMostMs) meter.restFiltered(ranMs, nowMs());
  if (status.code() == Code::Cancelled) return Status::ok();
  VICINAL_TRY(status);
  if (truth.rows.count == 0) return Status::ok();
  const double asked = 1 - (1 - double(query.recall)) * request.lossShare;
  const bool isByPlan = found.stats.recall <= asked + kRounding;
  meter.learn(query, shareFound(spec_.vectors[vector].metric, truth, found), isByPlan);
  return Status::ok();
}

void Shard::followCallers(uint32_t vector) {
  RecallMeter& meter = meters_[vector];
  if (meter.isCalibrating() && !indexer_->awaitsCalibration(vector)) meter.adopted(nowMs());
  if (auto live = meter.samples(nowMs())) indexer_->calibrateAnew(vector, std::move(live));
}

} // namespace vicinal
