// A system that refuses memory, or threads, now and then. Which requests it refuses is counted, so
// that a test can have each of them refused in turn.
#pragma once

#include <cstdint>

namespace vicinal::test {

enum class Wanted : uint8_t { Memory, Threads };

// As long as there is one, and there is one at most.
class Refusals {
public:
  // The nth request of the calling thread, and no other.
  static Refusals one(Wanted wanted, uint64_t nth) { return {wanted, nth, true}; }
  // Each nth request of any thread.
  static Refusals each(Wanted wanted, uint64_t nth) { return {wanted, nth, false}; }
  ~Refusals();
  Refusals(const Refusals&) = delete;
  Refusals& operator=(const Refusals&) = delete;

  // How many were refused so far.
  uint64_t count() const;

private:
  Refusals(Wanted wanted, uint64_t nth, bool isOne);
};

} // namespace vicinal::test
