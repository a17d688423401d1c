// The set without special instructions: the reference of the tests, and the fallback on processors
// without any other set. It has four lanes, because a single chain of additions would be several
// times slower.
#include <cfloat>
#include <cmath>

#include "distance/isa/sets.hpp"

namespace {

struct Simd {
  struct Vec {
    float lane[4];
  };
  static constexpr size_t width = 4;

  template <typename Of> static Vec make(Of of) { return {{of(0), of(1), of(2), of(3)}}; }

  static Vec zero() { return {}; }
  static float component(float value) { return value; }
  static float component(vicinal::Half value) { return vicinal::fromHalf(value); }
  static float component(uint8_t value) { return value; }
  template <typename Row> static Vec load(const Row* at) {
    return make([&](size_t i) { return component(at[i]); });
  }
  template <typename Row> static Vec loadPart(const Row* at, size_t n) {
    return make([&](size_t i) { return i < n ? component(at[i]) : 0.0f; });
  }
  static Vec add(const Vec& a, const Vec& b) {
    return make([&](size_t i) { return a.lane[i] + b.lane[i]; });
  }
  static Vec dot(const Vec& a, const Vec& b, const Vec& sum) {
    return make([&](size_t i) { return sum.lane[i] + a.lane[i] * b.lane[i]; });
  }
  static Vec l2(const Vec& a, const Vec& b, const Vec& sum) {
    return make([&](size_t i) {
      const float difference = a.lane[i] - b.lane[i];
      return sum.lane[i] + difference * difference;
    });
  }
  static Vec l1(const Vec& a, const Vec& b, const Vec& sum) {
    return make([&](size_t i) { return sum.lane[i] + std::fabs(a.lane[i] - b.lane[i]); });
  }
  static float sum(const Vec& a) { return (a.lane[0] + a.lane[2]) + (a.lane[1] + a.lane[3]); }

  using Four = Vec;
  static Four fill(float value) { return {{value, value, value, value}}; }
  static Four negated(const Four& a) {
    return make([&](size_t i) { return -a.lane[i]; });
  }
  static Four lesser(const Four& a, const Four& b) {
    return make([&](size_t i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static void store(const Four& a, float* at) {
    for (size_t i = 0; i < 4; i++) at[i] = a.lane[i];
  }
  static Four sums(const Vec& a, const Vec& b, const Vec& c, const Vec& d) {
    return {{sum(a), sum(b), sum(c), sum(d)}};
  }
};

} // namespace

#include "distance/isa/loops.hpp"

namespace vicinal {
const Kernels scalarKernels = kernelSet(Isa::Scalar, "scalar");
}
