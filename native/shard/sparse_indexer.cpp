#include "shard/sparse_indexer.hpp"

namespace vicinal {

namespace {

// Calls `visit(space, rows)` for every sparse vector of every segment until it returns true.
template <typename Visit> bool anySpace(const Snapshot& snapshot, const Visit& visit) {
  for (size_t at = 0; at < snapshot.count(); at++) {
    Segment& segment = snapshot.segment(at);
    for (size_t vector = 0; vector < segment.sparseCount(); vector++)
      if (visit(segment.sparse(vector), snapshot.rows(at))) return true;
  }
  return false;
}

const std::string kSparseClosed = "the shard is closed";

bool isDue(const Snapshot& snapshot) {
  return anySpace(
      snapshot, [](const SparseSpace& space, uint32_t rows) { return space.isExtensionDue(rows); });
}

} // namespace

bool SparseIndexer::extendOne() {
  return anySpace(segments_.snapshot(), [](SparseSpace& space, uint32_t rows) {
    return space.isExtensionDue(rows) && attempt([&] { return space.extend(rows); }).isOk();
  });
}

bool SparseIndexer::start() {
  // The previous thread has ended or is about to.
  if (thread_.joinable()) thread_.join();
  return attempt([&] {
           thread_ = std::thread([this] { run(); });
           return Status::ok();
         })
      .isOk();
}

void SparseIndexer::kick() {
  if (!isDue(segments_.snapshot())) return;
  std::lock_guard lock(mutex_);
  isKicked_ = true;
  if (isRunning_ || isClosed_) return;
  // The new thread first waits for the mutex. If no thread can be started, rows stay in the tail
  // until the next kick.
  isRunning_ = start();
}

void SparseIndexer::run() {
  bool goesOn = true;
  while (goesOn) {
    {
      std::lock_guard lock(mutex_);
      isKicked_ = false;
    }
    const bool hasExtended = extendOne();
    std::list<Waiter> met;
    {
      std::lock_guard lock(mutex_);
      goesOn = (hasExtended || isKicked_) && !isClosed_;
      isRunning_ = goesOn;
      if (!goesOn) idle_.notify_all();
      met = takeMet();
    }
    // An ending thread never takes the mutex again, because `kick` joins it while holding the
    // mutex.
    for (const Waiter& waiter : met) waiter.done(Status::ok());
  }
}

void SparseIndexer::wait(Done done) {
  kick();
  std::list<Waiter> met;
  met.push_back({std::move(done), segments_.snapshot()});
  Status status = Status::ok();
  {
    std::lock_guard lock(mutex_);
    waiters_.splice(waiters_.end(), met);
    if (isClosed_) status = Status::fixed(Code::Closed, kSparseClosed);
    met = takeMet();
  }
  for (const Waiter& waiter : met) waiter.done(status);
}

std::list<SparseIndexer::Waiter> SparseIndexer::takeMet() {
  std::list<Waiter> met;
  for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
    const auto next = std::next(waiter);
    if (!isRunning_ || !isDue(waiter->snapshot)) met.splice(met.end(), waiters_, waiter);
    waiter = next;
  }
  return met;
}

void SparseIndexer::stand() {
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
  // The ending thread calls the waiters.
  if (ending.joinable()) ending.join();
}

} // namespace vicinal
