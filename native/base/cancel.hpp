// A request to stop, set by one thread and looked at by the one that works.
#pragma once

#include <atomic>

namespace vicinal {

class CancelFlag {
public:
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool isCancelled() const { return cancelled_.load(std::memory_order_relaxed); }

private:
  std::atomic<bool> cancelled_{false};
};

} // namespace vicinal
