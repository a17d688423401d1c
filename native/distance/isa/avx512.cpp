#include <cfloat>
#include <immintrin.h>

#include "distance/isa/sets.hpp"
#include "distance/isa/sums_of_four.hpp"

namespace {

struct Simd {
  using Vec = __m512;
  static constexpr size_t width = 16;
  static Vec zero() { return _mm512_setzero_ps(); }
  static Vec load(const float* at) { return _mm512_loadu_ps(at); }
  static __mmask16 first(size_t n) { return __mmask16((1u << n) - 1); }
  static Vec loadPart(const float* at, size_t n) { return _mm512_maskz_loadu_ps(first(n), at); }
  static Vec load(const vicinal::Half* at) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
  }
  static Vec loadPart(const vicinal::Half* at, size_t n) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), at));
  }
  static Vec load(const uint8_t* at) {
    const __m128i sixteen = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(sixteen));
  }
  static Vec loadPart(const uint8_t* at, size_t n) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first(n), at)));
  }
  static Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
  static Vec dot(Vec a, Vec b, Vec sum) { return _mm512_fmadd_ps(a, b, sum); }
  static Vec l2(Vec a, Vec b, Vec sum) {
    const Vec difference = _mm512_sub_ps(a, b);
    return _mm512_fmadd_ps(difference, difference, sum);
  }
  static Vec l1(Vec a, Vec b, Vec sum) {
    return _mm512_add_ps(sum, _mm512_abs_ps(_mm512_sub_ps(a, b)));
  }
  // Adds halves, then quarters, then lanes two apart, then neighbours.
  static float sum(Vec a) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  using Four = __m128;
  static Four fill(float value) { return _mm_set1_ps(value); }
  static Four negated(Four a) { return _mm_xor_ps(a, _mm_set1_ps(-0.0f)); }
  static Four lesser(Four a, Four b) { return _mm_min_ps(a, b); }
  static void store(Four a, float* at) { _mm_storeu_ps(at, a); }
  static void store(Vec a, float* at) { _mm512_storeu_ps(at, a); }
  static Four sums(Vec a, Vec b, Vec c, Vec d) {
    const auto quarter = [](Vec of) {
      const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(of), _mm512_extractf32x8_ps(of, 1));
      return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    };
    return sumsOfFour(quarter(a), quarter(b), quarter(c), quarter(d));
  }
};

} // namespace

#include "distance/isa/loops.hpp"

namespace vicinal {
const Kernels avx512Kernels = kernelSet(Isa::Avx512, "avx512");
}
