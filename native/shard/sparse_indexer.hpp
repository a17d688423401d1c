// Inverted indexes behind the tail of sparse vectors. A run over all of a large segment takes
// seconds, which no thread of the pool may be kept for: a thread of its own does the work while
// there is any, and ends.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "shard/segment_set.hpp"

namespace vicinal {

class SparseIndexer {
public:
  explicit SparseIndexer(const SegmentSet& segments) : segments_(segments) {}
  ~SparseIndexer() { close(); }

  // There may be new rows.
  void kick();
  // Returns once there is nothing to do; for tests.
  void wait();
  // Ends it for good; returns when the run that is being built is done.
  void close();

private:
  bool isDue() const;
  // One run; false where there was nothing to build, or no memory for it.
  bool extendOne();
  void run();

  const SegmentSet& segments_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::thread thread_;
  bool isRunning_ = false;
  // More came while it ran.
  bool isKicked_ = false;
  bool isClosed_ = false;
};

} // namespace vicinal
