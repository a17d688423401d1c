// Included only within the AVX-512 files.
#pragma once

#include <cstdint>
#include <immintrin.h>

namespace {

// Adds up the sixteen lanes of each of four vectors at once, by halves.
inline void storeTotals(const __m512i* sum, int32_t* sums) {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(sum[0], sum[1]),
                                      _mm512_unpackhi_epi32(sum[0], sum[1]));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(sum[2], sum[3]),
                                      _mm512_unpackhi_epi32(sum[2], sum[3]));
  const __m512i four =
      _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  const __m256i two =
      _mm256_add_epi32(_mm512_castsi512_si256(four), _mm512_extracti64x4_epi64(four, 1));
  const __m128i one = _mm_add_epi32(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sums), one);
}

} // namespace
