// A request to stop: one thread sets it, the working thread polls it.
#pragma once

#include <atomic>
#include <chrono>

namespace vicinal {

class CancelFlag {
public:
  using Clock = std::chrono::steady_clock;

  CancelFlag() = default;
  // The flag counts as set from this time on.
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
