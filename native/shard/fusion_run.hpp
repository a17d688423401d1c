// A fusion that several threads work at. Each takes the next search that nobody has begun.
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
  // Called once, by a thread of the pool, with nothing of the shard held any more.
  using Done = std::function<void(Status)>;

  FusionRun(std::shared_ptr<FusedSearch> search, std::shared_ptr<Shard> shard, Snapshot snapshot,
            std::shared_ptr<CancelFlag> cancel)
      : search_(std::move(search)), shard_(std::move(shard)), snapshot_(std::move(snapshot)),
        cancel_(std::move(cancel)), longest_(search_->longest()), left_(search_->parts.size()) {}

  const std::shared_ptr<CancelFlag>& cancelFlag() const { return cancel_; }

  // On so many threads of the pool.
  void start(ThreadPool& pool, size_t threads, Done done);

  // On the calling thread, which may not wait for writers, and on one of the pool that is awake
  // (ThreadPool::isServerAwake). False where it did not end by the deadline: it is to be left,
  // then.
  bool runBeside(ThreadPool& pool, const CancelFlag& deadline, Status& status);
  // The pool goes on with it.
  void leave(ThreadPool& pool, Done done);

private:
  enum class Phase : uint8_t { Alone, Awaited, Ended };

  void work();
  // The one that is begun after so many others: the longest first.
  size_t partAt(size_t begun) const {
    if (begun == 0) return longest_;
    return begun <= longest_ ? begun - 1 : begun;
  }
  Status rankPart(size_t at) { return rankPart(at, cancel_.get(), Waiting::Allowed); }
  Status rankPart(size_t at, const CancelFlag* cancel, Waiting waiting);
  Status fused(Waiting waiting);
  void endPart(Status status);
  void finish();
  // Whoever hears of the end may close the shard, so it is let go before.
  void letGo();

  const std::shared_ptr<FusedSearch> search_;
  std::shared_ptr<Shard> shard_;
  Snapshot snapshot_;
  const std::shared_ptr<CancelFlag> cancel_;
  const size_t longest_;
  Done done_;
  std::atomic<size_t> next_{0};
  std::atomic<size_t> left_;
  // Whether a thread that is not the pool's waits for the end.
  std::atomic<Phase> phase_{Phase::Alone};
  // The one that thread has begun and given up.
  size_t givenUp_ = SIZE_MAX;
  std::atomic<bool> hasFailed_{false};
  std::mutex mutex_;
  Status failure_;
};

// Runs it on the pool: on as many threads as have time for it, where that is worth waking them.
void startFused(const std::shared_ptr<FusedSearch>& search, const std::shared_ptr<Shard>& shard,
                Snapshot snapshot, ThreadPool& pool, const std::shared_ptr<CancelFlag>& cancel,
                FusionRun::Done done);

// Whether fusions of the calling thread follow each other without a pause: then a thread of the
// pool is kept awake for the next ones, since to wake one takes as long as a search. Told of each,
// when it begins and when it has ended.
class FusionRhythm {
public:
  static FusionRhythm& ofThread();
  // Whether there is a thread to share it with.
  bool begin(ThreadPool& pool);
  void end(ThreadPool& pool, bool wasLeft);

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point endedAt_{};
  int64_t inRow_ = 0;
};

} // namespace vicinal
