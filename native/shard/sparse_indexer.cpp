#include "shard/sparse_indexer.hpp"

namespace vicinal {

namespace {

// Calls `visit(space, rows)` for every sparse vector of a segment until one says true.
template <typename Visit> bool anySpace(const Snapshot& snapshot, const Visit& visit) {
  for (size_t at = 0; at < snapshot.count(); at++) {
    Segment& segment = snapshot.segment(at);
    for (size_t vector = 0; vector < segment.sparseCount(); vector++)
      if (visit(segment.sparse(vector), snapshot.rows(at))) return true;
  }
  return false;
}

} // namespace

bool SparseIndexer::isDue() const {
  return anySpace(segments_.snapshot(), [](const SparseSpace& space, uint32_t rows) {
    return space.isExtensionDue(rows);
  });
}

bool SparseIndexer::extendOne() {
  return anySpace(segments_.snapshot(), [](SparseSpace& space, uint32_t rows) {
    return space.isExtensionDue(rows) && space.extend(rows).isOk();
  });
}

void SparseIndexer::kick() {
  if (!isDue()) return;
  std::lock_guard lock(mutex_);
  isKicked_ = true;
  if (isRunning_ || isClosed_) return;
  // The one before has ended, or is about to.
  if (thread_.joinable()) thread_.join();
  isRunning_ = true;
  thread_ = std::thread([this] { run(); });
}

void SparseIndexer::run() {
  bool goesOn = true;
  while (goesOn) {
    {
      std::lock_guard lock(mutex_);
      isKicked_ = false;
    }
    const bool hasExtended = extendOne();
    std::lock_guard lock(mutex_);
    goesOn = (hasExtended || isKicked_) && !isClosed_;
    isRunning_ = goesOn;
  }
  idle_.notify_all();
}

void SparseIndexer::wait() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return !isRunning_; });
}

void SparseIndexer::close() {
  std::thread ending;
  {
    std::lock_guard lock(mutex_);
    isClosed_ = true;
    ending = std::move(thread_);
  }
  if (ending.joinable()) ending.join();
}

} // namespace vicinal
