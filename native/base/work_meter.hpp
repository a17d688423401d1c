// Work that counts its own cost, so that it stops soon after a cancellation even if single steps
// are expensive.
#pragma once

#include <cstdint>

#include "base/cancel.hpp"
#include "base/status.hpp"

namespace vicinal {

// Meter of one thread. A loop calls `spend` with the cost of each step before it takes the step.
// Once the flag was seen set, the work may stop anywhere: the caller checks `status` and throws the
// result away.
class WorkMeter {
public:
  // A unit is about a nanosecond: one compared value, one byte walked over. Overestimating a step
  // costs only more looks at the flag.
  static constexpr uint64_t kUnitsBetweenLooks = 1 << 20;

  // Without a flag the work never stops.
  explicit WorkMeter(const CancelFlag* cancel = nullptr) : cancel_(cancel) {}

  // Counts the cost of a step. True: go on.
  bool spend(uint64_t units) {
    if (units < left_) [[likely]] {
      left_ -= units;
      return true;
    }
    return goOn();
  }
  // Looks at the flag now: CANCELLED if it is set.
  Status look() {
    goOn();
    return status();
  }
  // Whether an earlier look saw the flag set. Does not look again.
  bool isStopped() const { return isStopped_; }
  // CANCELLED if an earlier look saw the flag set.
  Status status() const {
    return isStopped_ ? Status(Code::Cancelled, "the operation was cancelled") : Status::ok();
  }

private:
  // Kept out of line, so that the usual step is a comparison and a subtraction.
  [[gnu::noinline]] bool goOn() {
    isStopped_ = isStopped_ || (cancel_ != nullptr && cancel_->isCancelled());
    left_ = isStopped_ ? 0 : kUnitsBetweenLooks;
    return !isStopped_;
  }

  const CancelFlag* cancel_;
  // The first look comes only after a full allowance. Work that is resumed again and again
  // therefore makes progress each time and ends.
  uint64_t left_ = kUnitsBetweenLooks;
  bool isStopped_ = false;
};

} // namespace vicinal
