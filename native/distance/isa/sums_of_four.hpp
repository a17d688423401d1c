// The last steps of four sums, for files whose `Simd` has wider vectors of x86. Everything is in an
// unnamed namespace, because each file is compiled for its own instruction set.
#pragma once

#include <immintrin.h>

namespace {

// Adds up each of the four vectors: lanes two apart, then neighbours.
inline __m128 sumsOfFour(__m128 a, __m128 b, __m128 c, __m128 d) {
  const auto two = [](__m128 first, __m128 second) {
    return _mm_add_ps(_mm_movelh_ps(first, second), _mm_movehl_ps(second, first));
  };
  const __m128 ab = two(a, b);
  const __m128 cd = two(c, d);
  return _mm_add_ps(_mm_shuffle_ps(ab, cd, 0x88), _mm_shuffle_ps(ab, cd, 0xdd));
}

} // namespace
