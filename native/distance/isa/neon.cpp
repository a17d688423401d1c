#include <arm_neon.h>
#include <cfloat>
#include <cstring>

#include "distance/isa/sets.hpp"

namespace {

struct Simd {
  using Vec = float32x4_t;
  static constexpr size_t width = 4;
  static Vec zero() { return vdupq_n_f32(0); }
  static Vec load(const float* at) { return vld1q_f32(at); }
  static Vec load(const vicinal::Half* at) {
    uint64_t four;
    std::memcpy(&four, at, sizeof four);
    return vcvt_f32_f16(vreinterpret_f16_u64(vcreate_u64(four)));
  }
  static Vec load(const uint8_t* at) {
    uint32_t four;
    std::memcpy(&four, at, sizeof four);
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four)))));
  }
  template <typename Row> static Vec loadPart(const Row* at, size_t n) {
    Row part[width] = {};
    for (size_t i = 0; i < n; i++) part[i] = at[i];
    return load(part);
  }
  static Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
  static Vec dot(Vec a, Vec b, Vec sum) { return vfmaq_f32(sum, a, b); }
  static Vec l2(Vec a, Vec b, Vec sum) {
    const Vec difference = vsubq_f32(a, b);
    return vfmaq_f32(sum, difference, difference);
  }
  static Vec l1(Vec a, Vec b, Vec sum) { return vaddq_f32(sum, vabdq_f32(a, b)); }
  // Adds neighbours, then their sums.
  static float sum(Vec a) { return vaddvq_f32(a); }

  using Four = float32x4_t;
  static Four fill(float value) { return vdupq_n_f32(value); }
  static Four negated(Four a) { return vnegq_f32(a); }
  // If one of the two is NaN, the result is the other.
  static Four lesser(Four a, Four b) { return vminnmq_f32(a, b); }
  static void store(Four a, float* at) { vst1q_f32(at, a); }
  static Four sums(Vec a, Vec b, Vec c, Vec d) {
    return vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d));
  }
};

} // namespace

#include "distance/isa/loops.hpp"

namespace vicinal {
const Kernels neonKernels = kernelSet(Isa::Neon, "neon");
}
