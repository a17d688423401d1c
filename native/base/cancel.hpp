// A request to stop, set by one thread and looked at by the one that works.
#pragma once

#include <atomic>
#include <chrono>

namespace vicinal {

class CancelFlag {
public:
  using Clock = std::chrono::steady_clock;

  CancelFlag() = default;
  // Sets itself at this time.
  explicit CancelFlag(Clock::time_point deadline) : deadline_(deadline) {}

  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool isCancelled() const {
    return cancelled_.load(std::memory_order_relaxed) ||
           (deadline_ != Clock::time_point::max() && Clock::now() >= deadline_);
  }

private:
  std::atomic<bool> cancelled_{false};
  const Clock::time_point deadline_ = Clock::time_point::max();
};

} // namespace vicinal
