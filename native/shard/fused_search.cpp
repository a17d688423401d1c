#include "shard/fused_search.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>

namespace vicinal {

namespace {

// Searches that take less all together are one job: another thread would hardly be awake by then.
constexpr double kTogetherNs = 200'000;

// A fusion on the pool: each thread takes the next part that nobody has begun, and whoever ends the
// last one fuses.
class PooledFusion {
public:
  PooledFusion(std::shared_ptr<FusedSearch> search, std::shared_ptr<Shard> shard, Snapshot snapshot,
               std::shared_ptr<CancelFlag> cancel, std::function<void(Status)> done)
      : search_(std::move(search)), shard_(std::move(shard)), snapshot_(std::move(snapshot)),
        cancel_(std::move(cancel)), done_(std::move(done)), left_(search_->parts.size()) {}

  void work() {
    const size_t count = search_->parts.size();
    for (size_t at = next_.fetch_add(1); at < count; at = next_.fetch_add(1)) {
      // After a failure the others are only counted.
      if (!hasFailed_.load())
        note(search_->rankPart(at, *shard_, snapshot_, cancel_.get(), Waiting::Allowed));
      if (left_.fetch_sub(1) == 1) finish();
    }
  }

private:
  void note(Status status) {
    if (status.isOk()) return;
    std::lock_guard lock(mutex_);
    if (!hasFailed_.exchange(true)) failure_ = std::move(status);
  }

  // Whoever hears of the end may close the shard, so it is let go before.
  void finish() {
    Status status =
        hasFailed_.load() ? failure_ : search_->fuseParts(*shard_, snapshot_, Waiting::Allowed);
    snapshot_ = {};
    shard_.reset();
    done_(std::move(status));
  }

  const std::shared_ptr<FusedSearch> search_;
  std::shared_ptr<Shard> shard_;
  Snapshot snapshot_;
  const std::shared_ptr<CancelFlag> cancel_;
  const std::function<void(Status)> done_;
  std::atomic<size_t> next_{0};
  std::atomic<size_t> left_;
  std::atomic<bool> hasFailed_{false};
  std::mutex mutex_;
  Status failure_;
};

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
  return std::visit([&](auto& one) { return one.rank(shard, snapshot, cancel, waiting); },
                    parts[at]);
}

Status FusedSearch::fuseParts(Shard& shard, const Snapshot& snapshot, Waiting waiting) {
  std::vector<const Ranking*> rankings;
  rankings.reserve(parts.size());
  for (const AnySearch& part : parts)
    rankings.push_back(std::visit([](const auto& one) { return &one.hits; }, part));
  result = {};
  return readFused(snapshot, shard.spec().vectors, request, fuse(rankings, request), result,
                   waiting);
}

Status FusedSearch::run(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel,
                        Waiting waiting) {
  for (size_t at = 0; at < parts.size(); at++)
    VICINAL_TRY(rankPart(at, shard, snapshot, cancel, waiting));
  return fuseParts(shard, snapshot, waiting);
}

void startFused(const std::shared_ptr<FusedSearch>& search, const std::shared_ptr<Shard>& shard,
                Snapshot snapshot, ThreadPool& pool, const std::shared_ptr<CancelFlag>& cancel,
                std::function<void(Status)> done) {
  const size_t most = search->isShort(*shard, snapshot) ? 1 : pool.threads();
  const size_t threads = std::min<size_t>(search->parts.size(), most);
  const auto fusion =
      std::make_shared<PooledFusion>(search, shard, std::move(snapshot), cancel, std::move(done));
  for (size_t thread = 0; thread < threads; thread++)
    pool.submit(Lane::Search, [fusion] { fusion->work(); });
}

} // namespace vicinal
