// A system that refuses memory or threads. Requests are counted, so that a test can have each
// request refused in turn.
#pragma once

#include <cstdint>

namespace vicinal::test {

enum class Wanted : uint8_t { Memory, Threads };

// Refuses requests while the object lives; there may be one object at a time.
class Refusals {
public:
  // Refuses only the nth request of the calling thread.
  static Refusals one(Wanted wanted, uint64_t nth) { return {wanted, nth, true}; }
  // Refuses every nth request of any thread.
  static Refusals each(Wanted wanted, uint64_t nth) { return {wanted, nth, false}; }
  ~Refusals();
  Refusals(const Refusals&) = delete;
  Refusals& operator=(const Refusals&) = delete;

  // How many requests were refused so far.
  uint64_t count() const;

private:
  Refusals(Wanted wanted, uint64_t nth, bool isOne);
};

} // namespace vicinal::test
