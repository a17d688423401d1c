#include "shard/fusion_run.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

#include "base/work_meter.hpp"

namespace vicinal {

namespace {

// Each thread takes the next search that nobody has begun; the one that ends the last search fuses.
class FusionRun {
  using Clock = CancelFlag::Clock;

public:
  FusionRun(std::shared_ptr<FusedSearch> search, std::shared_ptr<Shard> shard, Snapshot snapshot,
            std::shared_ptr<CancelFlag> cancel, std::function<void(Status)> done)
      : search_(std::move(search)), shard_(std::move(shard)), snapshot_(std::move(snapshot)),
        cancel_(std::move(cancel)), done_(std::move(done)), left_(search_->parts.size()) {}

  void work() {
    const size_t count = search_->parts.size();
    for (size_t at = next_.fetch_add(1); at < count; at = next_.fetch_add(1)) {
      // After a failure the others are only counted.
      if (!hasFailed_.load()) note(rankPart(at));
      if (left_.fetch_sub(1) == 1) finish();
    }
  }

private:
  Status rankPart(size_t at) {
    return attempt([&] {
      VICINAL_TRY(WorkMeter(cancel_.get()).look());
      return search_->rankPart(at, *shard_, snapshot_, cancel_.get(), Waiting::Allowed);
    });
  }

  void note(Status status) {
    if (status.isOk()) return;
    std::lock_guard lock(mutex_);
    if (!hasFailed_.exchange(true)) failure_ = std::move(status);
  }

  Status fused() {
    if (hasFailed_.load()) return failure_;
    VICINAL_TRY(attempt(
        [&] { return search_->fuseParts(*shard_, snapshot_, cancel_.get(), Waiting::Allowed); }));
    const std::chrono::duration<double, std::micro> took = Clock::now() - started_;
    search_->result.stats.tookUs = took.count();
    return Status::ok();
  }

  // Closing the shard may follow at once on `done`, so everything of it is let go before.
  void finish() {
    Status status = fused();
    for (AnySearch& part : search_->parts)
      if (auto* sparse = std::get_if<SparseSearch>(&part)) sparse->request.found.clear();
    snapshot_ = {};
    shard_.reset();
    done_(std::move(status));
  }

  const std::shared_ptr<FusedSearch> search_;
  std::shared_ptr<Shard> shard_;
  Snapshot snapshot_;
  const std::shared_ptr<CancelFlag> cancel_;
  const std::function<void(Status)> done_;
  const Clock::time_point started_ = Clock::now();
  std::atomic<size_t> next_{0};
  std::atomic<size_t> left_;
  std::atomic<bool> hasFailed_{false};
  std::mutex mutex_;
  Status failure_;
};

} // namespace

void startFused(const std::shared_ptr<FusedSearch>& search, const std::shared_ptr<Shard>& shard,
                Snapshot snapshot, ThreadPool& pool, const std::shared_ptr<CancelFlag>& cancel,
                std::function<void(Status)> done) {
  const size_t most = search->isShort(*shard, snapshot) ? 1 : pool.threads();
  const size_t threads = std::min<size_t>(search->parts.size(), most);
  const auto run =
      std::make_shared<FusionRun>(search, shard, std::move(snapshot), cancel, std::move(done));
  pool.submit(Lane::Search, [run] { run->work(); });
  // Fewer threads do as well.
  (void)attempt([&] {
    for (size_t thread = 1; thread < threads; thread++)
      pool.submit(Lane::Search, [run] { run->work(); });
    return Status::ok();
  });
}

} // namespace vicinal
