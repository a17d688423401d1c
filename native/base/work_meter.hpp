// Work that counts itself, so that it stops soon after it is told to, whatever one step of it
// costs.
#pragma once

#include <cstdint>

#include "base/cancel.hpp"
#include "base/status.hpp"

namespace vicinal {

// Of one thread. A loop tells what each of its steps costs before it takes it. Once the flag was
// seen set, nothing more is worth doing: what was made since is thrown away by whoever asks
// `status`.
class WorkMeter {
public:
  // About a nanosecond each: a value that is compared, a byte that is walked over. To count too
  // many costs no more than looks at the flag.
  static constexpr uint64_t kUnitsBetweenLooks = 1 << 20;

  // Without a flag it never stops.
  explicit WorkMeter(const CancelFlag* cancel = nullptr) : cancel_(cancel) {}

  // Whether to go on.
  bool spend(uint64_t units) {
    if (units < left_) [[likely]] {
      left_ -= units;
      return true;
    }
    return goOn();
  }
  // A look at the flag now: CANCELLED where it is set.
  Status look() {
    goOn();
    return status();
  }
  // Whether it was seen that the flag is set, without a look at it.
  bool isStopped() const { return isStopped_; }
  // CANCELLED where it was.
  Status status() const {
    return isStopped_ ? Status(Code::Cancelled, "the operation was cancelled") : Status::ok();
  }

private:
  // Out of line, so that a step is a comparison and a subtraction.
  [[gnu::noinline]] bool goOn() {
    isStopped_ = isStopped_ || (cancel_ != nullptr && cancel_->isCancelled());
    left_ = isStopped_ ? 0 : kUnitsBetweenLooks;
    return !isStopped_;
  }

  const CancelFlag* cancel_;
  // What has just begun gets somewhere, so that what is taken up again and again comes to an end.
  uint64_t left_ = kUnitsBetweenLooks;
  bool isStopped_ = false;
};

} // namespace vicinal
