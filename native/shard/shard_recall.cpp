// Recall of the queries that callers ask.
#include "shard/shard.hpp"

namespace vicinal {

namespace {

// Share of the truth that was found: whoever scores as well as the last of it counts.
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
  uint32_t measured = 0;
  for (const RecallMeter::Query& query : meter.take(most)) {
    const Snapshot snapshot = this->snapshot();
    SearchRequest request;
    request.vector = vector;
    request.query = query.vector;
    request.limit = query.limit;
    request.recall = query.recall;
    request.lossShare = meter.lossShare();
    SearchResult found;
    VICINAL_TRY(search(snapshot, spec_.vectors, request, nullptr, found));
    request.recall = 1;
    SearchResult truth;
    VICINAL_TRY(search(snapshot, spec_.vectors, request, nullptr, truth));
    if (truth.rows.count == 0) continue;
    meter.learn(query.recall, shareFound(spec_.vectors[vector].metric, truth, found));
    measured++;
  }
  return measured;
}

} // namespace vicinal
