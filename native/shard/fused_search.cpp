#include "shard/fused_search.hpp"

#include <chrono>
#include <cmath>

namespace vicinal {

namespace {

// Searches that together take less than this run as one job: waking another thread would take about
// as long.
constexpr double kTogetherNs = 200'000;

} // namespace

double FusedSearch::expectedNs(Shard& shard, const Snapshot& snapshot) {
  return request.fields.vectors.empty() ? rankingNs(shard, snapshot) : INFINITY;
}

bool FusedSearch::isShort(Shard& shard, const Snapshot& snapshot) {
  return rankingNs(shard, snapshot) < kTogetherNs;
}

double FusedSearch::rankingNs(Shard& shard, const Snapshot& snapshot) {
  double expected = 0;
  for (AnySearch& part : parts)
    expected += std::visit([&](auto& one) { return one.expectedNs(shard, snapshot); }, part);
  return expected;
}

Status FusedSearch::rankPart(size_t at, Shard& shard, const Snapshot& snapshot,
                             const CancelFlag* cancel, Waiting waiting) {
  // There may be a thousand searches, each so short that it ends before its first look.
  if (waiting == Waiting::Allowed) VICINAL_TRY(WorkMeter(cancel).look());
  return std::visit([&](auto& one) { return one.rank(shard, snapshot, cancel, waiting); },
                    parts[at]);
}

Status FusedSearch::fuseParts(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel,
                              Waiting waiting) {
  std::vector<const Ranking*> rankings;
  rankings.reserve(parts.size());
  for (const AnySearch& part : parts)
    rankings.push_back(std::visit([](const auto& one) { return &one.hits; }, part));
  result = {};
  WorkMeter work(cancel);
  const Ranking page = fuse(rankings, request, work);
  VICINAL_TRY(work.status());
  return readFused(snapshot, shard.spec().vectors, request, page, result, waiting, work);
}

Status FusedSearch::run(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel,
                        Waiting waiting) {
  const auto started = std::chrono::steady_clock::now();
  for (size_t at = 0; at < parts.size(); at++)
    VICINAL_TRY(rankPart(at, shard, snapshot, cancel, waiting));
  VICINAL_TRY(fuseParts(shard, snapshot, cancel, waiting));
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - started;
  result.stats.tookUs = took.count();
  return Status::ok();
}

} // namespace vicinal
