// Rounds of fuzzing, each with a seed of its own. VICINAL_FUZZ_ROUNDS sets how many,
// VICINAL_TEST_SEED the first of their seeds. A round that crashes, hangs or fails a check tells
// its seed: with that seed and one round it is done again.
#pragma once

#include <unistd.h>

#include <csignal>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#include "damage.hpp"
#include "harness.hpp"

namespace vicinal::test {

class FuzzRounds {
public:
  // So many where VICINAL_FUZZ_ROUNDS says nothing.
  explicit FuzzRounds(int usual) : count_(usual), firstSeed_(Damage::seedOfRun()) {
    if (const char* given = std::getenv("VICINAL_FUZZ_ROUNDS"))
      count_ = int(std::strtol(given, nullptr, 10));
  }

  int count() const { return count_; }

  // `round(damage, at)` says whether its file was used. Returns how many were.
  template <typename Round> int run(const Round& round) const {
    const auto before = std::signal(SIGALRM, tellAndEnd);
    setDeathCallback(tell);
    int used = 0;
    for (int at = 0; at < count_; at++) {
      seedNow = firstSeed_ + unsigned(at);
      ::alarm(kPatienceSeconds);
      Damage damage(seedNow);
      const int failedBefore = failedChecks();
      used += round(damage, at) ? 1 : 0;
      if (failedChecks() > failedBefore) tell();
    }
    ::alarm(0);
    setDeathCallback(nullptr);
    std::signal(SIGALRM, before);
    return used;
  }

private:
  // Of one round, which takes milliseconds.
  static constexpr unsigned kPatienceSeconds = 120;
  static inline unsigned seedNow = 0;

  static void tell() {
    std::cerr << "  the round: VICINAL_FUZZ_ROUNDS=1 VICINAL_TEST_SEED=" << seedNow << std::endl;
  }
  static void tellAndEnd(int) {
    std::cerr << "  a round does not end" << std::endl;
    tell();
    std::abort();
  }
  static void setDeathCallback([[maybe_unused]] void (*callback)()) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_death_callback(callback);
#endif
  }

  int count_;
  unsigned firstSeed_;
};

} // namespace vicinal::test
