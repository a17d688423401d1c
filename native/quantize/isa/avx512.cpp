#include <cfloat>
#include <immintrin.h>

#include "quantize/isa/sets.hpp"

namespace {

constexpr size_t kGroup = 4;

struct Simd {
  static void dots(const int8_t* query, const uint8_t* const* row, size_t bytes, int32_t* sums) {
    __m512i sum[kGroup] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                           _mm512_setzero_si512()};
    for (size_t i = 0; i < bytes; i += 64) {
      const __m512i part = _mm512_load_si512(query + i);
      for (size_t r = 0; r < kGroup; r++)
        sum[r] = _mm512_dpbusd_epi32(sum[r], _mm512_loadu_si512(row[r] + i), part);
    }
    // Four sums of sixteen lanes at once, by halves.
    const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(sum[0], sum[1]),
                                        _mm512_unpackhi_epi32(sum[0], sum[1]));
    const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(sum[2], sum[3]),
                                        _mm512_unpackhi_epi32(sum[2], sum[3]));
    const __m512i four =
        _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    const __m256i two =
        _mm256_add_epi32(_mm512_castsi512_si256(four), _mm512_extracti64x4_epi64(four, 1));
    const __m128i one =
        _mm_add_epi32(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(sums), one);
  }
};

} // namespace

#include "quantize/isa/loops.hpp"

namespace vicinal {
const Sq8Kernels sq8Avx512Kernels = kernelSet(Isa::Avx512, "avx512vnni");
}
