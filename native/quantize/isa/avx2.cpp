#include <cfloat>
#include <immintrin.h>

#include "quantize/isa/sets.hpp"
#include "quantize/isa/totals_avx2.hpp"

namespace {

constexpr size_t kGroup = 4;

struct Simd {
  // Bytes are widened to 16 bits first, because the instruction that multiplies bytes saturates.
  static void dots(const int8_t* query, const uint8_t* const* row, size_t bytes, int32_t* sums) {
    __m256i sum[kGroup] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                           _mm256_setzero_si256()};
    for (size_t i = 0; i < bytes; i += 16) {
      const __m256i part =
          _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(query + i)));
      for (size_t r = 0; r < kGroup; r++) {
        const __m256i codes =
            _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row[r] + i)));
        sum[r] = _mm256_add_epi32(sum[r], _mm256_madd_epi16(codes, part));
      }
    }
    for (size_t r = 0; r < kGroup; r++) sums[r] = total(sum[r]);
  }
};

} // namespace

#include "quantize/isa/loops.hpp"

namespace vicinal {
const Sq8Kernels sq8Avx2Kernels = kernelSet(Isa::Avx2, "avx2");
}
