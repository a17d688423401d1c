// Included only within the AVX2 files.
#pragma once

#include <cstdint>
#include <immintrin.h>

namespace {

// Adds up eight lanes.
inline int32_t total(__m256i sum) {
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

} // namespace
