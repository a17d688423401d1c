#include <arm_neon.h>
#include <cstring>

#include "quantize/isa/rabitq_sets.hpp"

namespace {

constexpr size_t kGroup = 4;

inline int32x4_t addProducts(int32x4_t sum, uint8x16_t codes, int8x16_t query) {
  const int8x16_t small = vreinterpretq_s8_u8(codes);
  const int16x8_t low = vmull_s8(vget_low_s8(small), vget_low_s8(query));
  const int16x8_t both = vmlal_s8(low, vget_high_s8(small), vget_high_s8(query));
  return vpadalq_s16(sum, both);
}

// One byte of value 1 for each of sixteen bits that is set, 0 for the others.
inline uint8x16_t bytesOfBits(const uint8_t* bits) {
  const uint8_t each[8] = {1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x8_t bit = vld1_u8(each);
  const uint8x16_t isSet =
      vcombine_u8(vtst_u8(vdup_n_u8(bits[0]), bit), vtst_u8(vdup_n_u8(bits[1]), bit));
  return vandq_u8(isSet, vdupq_n_u8(1));
}

struct Simd {
  static void dots1(const int8_t* query, size_t planeBytes, const uint8_t* const* row,
                    int32_t* sums) {
    int32x4_t sum[kGroup] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (size_t i = 0; i < planeBytes; i += 16) {
      const int8x16_t part = vld1q_s8(query + i);
      for (size_t r = 0; r < kGroup; r++)
        sum[r] = addProducts(sum[r], bytesOfBits(row[r] + i / 8), part);
    }
    for (size_t r = 0; r < kGroup; r++) sums[r] = vaddvq_s32(sum[r]);
  }
  static void dots4(const int8_t* query, size_t planeBytes, const uint8_t* const* row,
                    int32_t* sums) {
    int32x4_t sum[kGroup] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (size_t i = 0; i < planeBytes; i += 16) {
      const int8x16_t low = vld1q_s8(query + i);
      const int8x16_t high = vld1q_s8(query + planeBytes + i);
      for (size_t r = 0; r < kGroup; r++) {
        const uint8x16_t codes = vld1q_u8(row[r] + i);
        sum[r] = addProducts(sum[r], vandq_u8(codes, vdupq_n_u8(15)), low);
        sum[r] = addProducts(sum[r], vshrq_n_u8(codes, 4), high);
      }
    }
    for (size_t r = 0; r < kGroup; r++) sums[r] = vaddvq_s32(sum[r]);
  }
};

} // namespace

#include "quantize/isa/rabitq_loops.hpp"

namespace vicinal {
const RabitqKernels rabitqNeonKernels = kernelSet(Isa::Neon, "neon");
}
