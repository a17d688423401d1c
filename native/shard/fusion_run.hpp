// A fusion that several threads share. Each thread takes the next search that none has begun.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "base/thread_pool.hpp"
#include "shard/fused_search.hpp"

namespace vicinal {

class FusionRun : public std::enable_shared_from_this<FusionRun> {
public:
  // Called once, by a thread of the pool, after the shard was released.
  using Done = std::function<void(Status)>;

  FusionRun(std::shared_ptr<FusedSearch> search, std::shared_ptr<Shard> shard, Snapshot snapshot,
            std::shared_ptr<CancelFlag> cancel)
      : search_(std::move(search)), shard_(std::move(shard)), snapshot_(std::move(snapshot)),
        cancel_(std::move(cancel)), longest_(search_->longest()), left_(search_->parts.size()) {}

  const std::shared_ptr<CancelFlag>& cancelFlag() const { return cancel_; }

  // Runs on this many threads of the pool.
  void start(ThreadPool& pool, size_t threads, Done done);

  // Runs on the calling thread, which must not wait for writers, and on a pool thread that is awake
  // (ThreadPool::isServerAwake). False if it did not end by the deadline; the caller must then call
  // `leave`.
  bool runBeside(ThreadPool& pool, const CancelFlag& deadline, Status& status);
  // Lets the pool continue it.
  void leave(ThreadPool& pool, Done done);

private:
  enum class Phase : uint8_t { Alone, Awaited, Ended };

  void work();
  // The search to begin after `begun` others: the longest comes first.
  size_t partAt(size_t begun) const {
    if (begun == 0) return longest_;
    return begun <= longest_ ? begun - 1 : begun;
  }
  Status rankPart(size_t at) { return rankPart(at, cancel_.get(), Waiting::Allowed); }
  Status rankPart(size_t at, const CancelFlag* cancel, Waiting waiting);
  Status fused(Waiting waiting);
  void endPart(Status status);
  void finish();
  // The receiver of `Done` may close the shard, so the shard is released before.
  void letGo();

  const std::shared_ptr<FusedSearch> search_;
  std::shared_ptr<Shard> shard_;
  Snapshot snapshot_;
  const std::shared_ptr<CancelFlag> cancel_;
  const size_t longest_;
  Done done_;
  std::atomic<size_t> next_{0};
  std::atomic<size_t> left_;
  // Whether a thread outside the pool waits for the end.
  std::atomic<Phase> phase_{Phase::Alone};
  // The search that this thread has begun and given up.
  size_t givenUp_ = SIZE_MAX;
  std::atomic<bool> hasFailed_{false};
  std::mutex mutex_;
  Status failure_;
};

// Runs the fusion on the pool: on as many threads as are free, if that is worth waking them.
void startFused(const std::shared_ptr<FusedSearch>& search, const std::shared_ptr<Shard>& shard,
                Snapshot snapshot, ThreadPool& pool, const std::shared_ptr<CancelFlag>& cancel,
                FusionRun::Done done);

// Detects whether fusions of the calling thread follow each other without a pause. A pool thread is
// then kept awake for the next ones, since waking it takes as long as a search. Call `begin` and
// `end` around each fusion.
class FusionRhythm {
public:
  static FusionRhythm& ofThread();
  // Whether there is a thread to share the fusion with.
  bool begin(ThreadPool& pool);
  void end(ThreadPool& pool, bool wasLeft);

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point endedAt_{};
  int64_t inRow_ = 0;
};

} // namespace vicinal
