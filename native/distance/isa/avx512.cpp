#include <cfloat>
#include <immintrin.h>

#include "distance/isa/sets.hpp"

namespace {

struct Simd {
  using Vec = __m512;
  static constexpr size_t width = 16;
  static Vec zero() { return _mm512_setzero_ps(); }
  static Vec load(const float* at) { return _mm512_loadu_ps(at); }
  static Vec loadPart(const float* at, size_t n) {
    return _mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), at);
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
  static float sum(Vec a) { return _mm512_reduce_add_ps(a); }
};

} // namespace

#include "distance/isa/loops.hpp"

namespace vicinal {
const Kernels avx512Kernels = kernelSet(Isa::Avx512, "avx512");
}
