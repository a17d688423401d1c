#include <arm_neon.h>
#include <cfloat>

#include "quantize/isa/sets.hpp"

namespace {

constexpr size_t kGroup = 4;

struct Simd {
  static void dots(const int8_t* query, const uint8_t* const* row, size_t bytes, int32_t* sums) {
    int32x4_t sum[kGroup] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (size_t i = 0; i < bytes; i += 16) {
      const int8x16_t part = vld1q_s8(query + i);
      const int16x8_t low = vmovl_s8(vget_low_s8(part));
      const int16x8_t high = vmovl_s8(vget_high_s8(part));
      for (size_t r = 0; r < kGroup; r++) {
        const uint8x16_t codes = vld1q_u8(row[r] + i);
        const int16x8_t a = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(codes)));
        const int16x8_t b = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(codes)));
        sum[r] = vmlal_s16(sum[r], vget_low_s16(a), vget_low_s16(low));
        sum[r] = vmlal_high_s16(sum[r], a, low);
        sum[r] = vmlal_s16(sum[r], vget_low_s16(b), vget_low_s16(high));
        sum[r] = vmlal_high_s16(sum[r], b, high);
      }
    }
    for (size_t r = 0; r < kGroup; r++) sums[r] = vaddvq_s32(sum[r]);
  }
};

} // namespace

#include "quantize/isa/loops.hpp"

namespace vicinal {
const Sq8Kernels sq8NeonKernels = kernelSet(Isa::Neon, "neon");
}
