#include "shard/fusion_run.hpp"

namespace vicinal {

namespace {

// Fusions that follow each other within this time have no pause between them. A thread is also kept
// awake in vain for no longer than this.
constexpr std::chrono::microseconds kPause(100);
// The most time that a fusion takes on the JavaScript thread.
constexpr std::chrono::microseconds kTurn(200);
// After this many fusions without a pause, a thread is kept awake.
constexpr int64_t kFollowing = 8;
// The same number after a fusion that had to be left, because the other thread's core has other
// work.
constexpr int64_t kFollowingLeft = 100;
constexpr int kPausesBetweenLooks = 4;

// Runs the task on a thread of the pool, or here if there is none.
template <typename Task> void onPoolOrHere(ThreadPool& pool, const Task& task) {
  const Status submitted = attempt([&] {
    pool.submit(Lane::Search, task);
    return Status::ok();
  });
  if (!submitted) task();
}

} // namespace

void FusionRun::start(ThreadPool& pool, size_t threads, Done done) {
  done_ = std::move(done);
  pool.submit(Lane::Search, [self = shared_from_this()] { self->work(); });
  // Fewer threads are enough.
  (void)attempt([&] {
    for (size_t thread = 1; thread < threads; thread++)
      pool.submit(Lane::Search, [self = shared_from_this()] { self->work(); });
    return Status::ok();
  });
}

Status FusionRun::rankPart(size_t at, const CancelFlag* cancel, Waiting waiting) {
  return attempt([&] { return search_->rankPart(at, *shard_, snapshot_, cancel, waiting); });
}

bool FusionRun::runBeside(ThreadPool& pool, const CancelFlag& deadline, Status& status) {
  const auto started = std::chrono::steady_clock::now();
  phase_.store(Phase::Awaited);
  for (AnySearch& part : search_->parts) std::visit([](auto& one) { one.isShared = true; }, part);
  // This thread takes the first search itself, before the pool can.
  size_t at = next_.fetch_add(1);
  (void)attempt([&] {
    pool.submit(Lane::Search, [self = shared_from_this()] { self->work(); });
    return Status::ok();
  });
  for (; at < search_->parts.size(); at = next_.fetch_add(1)) {
    Status ranked = rankPart(partAt(at), &deadline, Waiting::Refused);
    if (ranked.code() == Code::Cancelled) {
      givenUp_ = partAt(at);
      return false;
    }
    endPart(std::move(ranked));
  }
  while (phase_.load(std::memory_order_acquire) != Phase::Ended) {
    if (deadline.isCancelled()) return false;
    for (int i = 0; i < kPausesBetweenLooks; i++) pauseThread();
  }
  status = fused(Waiting::Refused);
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - started;
  search_->result.stats.tookUs = took.count();
  letGo();
  return true;
}

void FusionRun::leave(ThreadPool& pool, Done done) {
  done_ = std::move(done);
  Phase awaited = Phase::Awaited;
  if (!phase_.compare_exchange_strong(awaited, Phase::Alone)) {
    onPoolOrHere(pool, [self = shared_from_this()] { self->finish(); });
    return;
  }
  if (givenUp_ == SIZE_MAX) return;
  onPoolOrHere(pool, [self = shared_from_this()] {
    self->endPart(self->hasFailed_.load() ? Status::ok() : self->rankPart(self->givenUp_));
    self->work();
  });
}

void FusionRun::work() {
  const size_t count = search_->parts.size();
  // After a failure the remaining searches are only counted.
  for (size_t at = next_.fetch_add(1); at < count; at = next_.fetch_add(1))
    endPart(hasFailed_.load() ? Status::ok() : rankPart(partAt(at)));
}

void FusionRun::endPart(Status status) {
  if (!status.isOk()) {
    std::lock_guard lock(mutex_);
    if (!hasFailed_.load()) failure_ = std::move(status);
    hasFailed_.store(true);
  }
  if (left_.fetch_sub(1) == 1 && phase_.exchange(Phase::Ended) == Phase::Alone) finish();
}

void FusionRun::finish() {
  Status status = fused(Waiting::Allowed);
  letGo();
  done_(std::move(status));
}

Status FusionRun::fused(Waiting waiting) {
  if (hasFailed_.load()) return failure_;
  return attempt([&] { return search_->fuseParts(*shard_, snapshot_, waiting); });
}

void FusionRun::letGo() {
  for (AnySearch& part : search_->parts)
    if (auto* sparse = std::get_if<SparseSearch>(&part)) sparse->request.found.clear();
  snapshot_ = {};
  shard_.reset();
}

void startFused(const std::shared_ptr<FusedSearch>& search, const std::shared_ptr<Shard>& shard,
                Snapshot snapshot, ThreadPool& pool, const std::shared_ptr<CancelFlag>& cancel,
                FusionRun::Done done) {
  const size_t most = search->isShort(*shard, snapshot) ? 1 : pool.threads();
  const size_t threads = std::min<size_t>(search->parts.size(), most);
  std::make_shared<FusionRun>(search, shard, std::move(snapshot), cancel)
      ->start(pool, threads, std::move(done));
}

FusionRhythm& FusionRhythm::ofThread() {
  thread_local FusionRhythm rhythm;
  return rhythm;
}

bool FusionRhythm::begin(ThreadPool& pool) {
  const auto now = Clock::now();
  inRow_ = now - endedAt_ < kPause ? inRow_ + 1 : std::min<int64_t>(inRow_, 0);
  if (inRow_ < kFollowing || pool.threads() < 2) return false;
  pool.keepServerAwake(now + kTurn + kPause);
  return pool.isServerAwake();
}

void FusionRhythm::end(ThreadPool& pool, bool wasLeft) {
  endedAt_ = Clock::now();
  if (wasLeft) inRow_ = kFollowing - kFollowingLeft;
  if (inRow_ < kFollowing || pool.threads() < 2) return;
  pool.keepServerAwake(endedAt_ + kPause);
  // Wakes a thread with an empty task; it then stays awake.
  if (pool.isServerAwake() || inRow_ % kFollowing != 0) return;
  (void)attempt([&] {
    pool.submit(Lane::Search, [] {});
    return Status::ok();
  });
}

} // namespace vicinal
