// Seeded random numbers, the same with every compiler.
#pragma once

#include <cmath>
#include <cstdint>

// splitmix64 and Box-Muller: the standard library's distributions differ
// between its versions.
class Random {
public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double uniform() { return (double(next() >> 11) + 0.5) / 9007199254740992.0; }
  float gaussian() {
    return float(std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform()));
  }

private:
  uint64_t state_;
};
