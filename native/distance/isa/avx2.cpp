#include <cfloat>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

#include "distance/isa/sets.hpp"
#include "distance/isa/sums_of_four.hpp"

namespace {

// Eight words read from position 8 - n have their first n words set.
alignas(32) constexpr int32_t maskWindow[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                0,  0,  0,  0,  0,  0,  0,  0};

struct Simd {
  using Vec = __m256;
  static constexpr size_t width = 8;
  static Vec zero() { return _mm256_setzero_ps(); }
  static Vec load(const float* at) { return _mm256_loadu_ps(at); }
  static Vec loadPart(const float* at, size_t n) {
    const auto mask = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(maskWindow + 8 - n));
    return _mm256_maskload_ps(at, mask);
  }
  static Vec load(const vicinal::Half* at) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }
  static Vec load(const uint8_t* at) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight));
  }
  template <typename Row> static Vec loadPart(const Row* at, size_t n) {
    Row part[width] = {};
    std::memcpy(part, at, n * sizeof(Row));
    return load(part);
  }
  static Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
  static Vec dot(Vec a, Vec b, Vec sum) { return _mm256_fmadd_ps(a, b, sum); }
  static Vec l2(Vec a, Vec b, Vec sum) {
    const Vec difference = _mm256_sub_ps(a, b);
    return _mm256_fmadd_ps(difference, difference, sum);
  }
  static Vec l1(Vec a, Vec b, Vec sum) {
    const Vec difference = _mm256_sub_ps(a, b);
    return _mm256_add_ps(sum, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), difference));
  }
  static float sum(Vec a) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  using Four = __m128;
  static Four fill(float value) { return _mm_set1_ps(value); }
  static Four negated(Four a) { return _mm_xor_ps(a, _mm_set1_ps(-0.0f)); }
  static Four lesser(Four a, Four b) { return _mm_min_ps(a, b); }
  static void store(Four a, float* at) { _mm_storeu_ps(at, a); }
  static void store(Vec a, float* at) { _mm256_storeu_ps(at, a); }
  static Four sums(Vec a, Vec b, Vec c, Vec d) {
    const auto half = [](Vec of) {
      return _mm_add_ps(_mm256_castps256_ps128(of), _mm256_extractf128_ps(of, 1));
    };
    return sumsOfFour(half(a), half(b), half(c), half(d));
  }
};

} // namespace

#include "distance/isa/loops.hpp"

namespace vicinal {
const Kernels avx2Kernels = kernelSet(Isa::Avx2, "avx2");
}
