// Builds inverted indexes for the tail of sparse vectors. A run over a large segment takes seconds,
// too long for a thread of the pool. So it uses a thread of its own, which ends when there is no
// more work.
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

  // Call when there may be new rows.
  void kick();
  // Calls `done`, from any thread, once all present rows that deserve an index have one, memory for
  // it is missing, or the shard closes.
  void wait(Done done);
  // Returns when no run is being built; none begins until there are new rows.
  void stand();
  // Stops for good. Returns when the running build is done.
  void close();

private:
  struct Waiter {
    Done done;
    Snapshot snapshot;
  };

  // Builds one run; false if there was nothing to build or no memory.
  bool extendOne();
  void run();
  // False if the system refuses a thread. Call with the mutex held.
  bool start();
  // Takes the waiters that have nothing to wait for any more; all of them if no thread runs. Call
  // with the mutex held.
  std::list<Waiter> takeMet();

  const SegmentSet& segments_;
  std::mutex mutex_;
  std::condition_variable idle_;
  // A list, because removing a part of it must not need memory.
  std::list<Waiter> waiters_;
  std::thread thread_;
  bool isRunning_ = false;
  // New work came while the thread ran.
  bool isKicked_ = false;
  bool isClosed_ = false;
};

} // namespace vicinal
