// Inverted indexes behind the tail of sparse vectors. A run over all of a large segment takes
// seconds, which no thread of the pool may be kept for: a thread of its own does the work while
// there is any, and ends.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include "shard/segment_set.hpp"

namespace vicinal {

class SparseIndexer {
public:
  using Done = std::function<void(Status)>;

  explicit SparseIndexer(const SegmentSet& segments) : segments_(segments) {}
  ~SparseIndexer() { close(); }

  // There may be new rows.
  void kick();
  // Calls back, from any thread, once all rows present now that are worth an index have one, or
  // there is no memory for it, or the shard closes.
  void wait(Done done);
  // Returns when no run is being built, and none is until there are new rows.
  void stand();
  // Ends it for good; returns when the run that is being built is done.
  void close();

private:
  struct Waiter {
    Done done;
    Snapshot snapshot;
  };

  // One run; false where there was nothing to build, or no memory for it.
  bool extendOne();
  void run();
  // False where the system has no thread for it. With the mutex held.
  bool start();
  // Those for whom there is nothing to be done any more; all of them where no thread runs. With the
  // mutex held.
  std::list<Waiter> takeMet();

  const SegmentSet& segments_;
  std::mutex mutex_;
  std::condition_variable idle_;
  // A list, since to take some out of it may not need memory.
  std::list<Waiter> waiters_;
  std::thread thread_;
  bool isRunning_ = false;
  // More came while it ran.
  bool isKicked_ = false;
  bool isClosed_ = false;
};

} // namespace vicinal
