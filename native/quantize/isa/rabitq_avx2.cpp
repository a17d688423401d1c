#include <cstring>
#include <immintrin.h>

#include "quantize/isa/rabitq_sets.hpp"
#include "quantize/isa/totals_avx2.hpp"

namespace {

constexpr size_t kGroup = 4;

// Products of at most 15 with a signed byte: the sum of two fits 16 bits, so nothing saturates.
inline __m256i addProducts(__m256i sum, __m256i codes, __m256i query) {
  return _mm256_add_epi32(
      sum, _mm256_madd_epi16(_mm256_maddubs_epi16(codes, query), _mm256_set1_epi16(1)));
}

// One byte of value 1 for each set bit, 0 for the others.
inline __m256i bytesOfBits(uint32_t bits) {
  const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                          2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i each = _mm256_set1_epi64x(int64_t(0x8040201008040201));
  const __m256i copies = _mm256_shuffle_epi8(_mm256_set1_epi32(int32_t(bits)), spread);
  const __m256i isSet = _mm256_cmpeq_epi8(_mm256_and_si256(copies, each), each);
  return _mm256_and_si256(isSet, _mm256_set1_epi8(1));
}

inline __m256i loadQuery(const int8_t* at) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(at));
}

struct Simd {
  static void dots1(const int8_t* query, size_t planeBytes, const uint8_t* const* row,
                    int32_t* sums) {
    const __m256i zero = _mm256_setzero_si256();
    __m256i sum[kGroup] = {zero, zero, zero, zero};
    for (size_t i = 0; i < planeBytes; i += 32) {
      const __m256i part = loadQuery(query + i);
      for (size_t r = 0; r < kGroup; r++) {
        uint32_t bits;
        std::memcpy(&bits, row[r] + i / 8, sizeof bits);
        sum[r] = addProducts(sum[r], bytesOfBits(bits), part);
      }
    }
    for (size_t r = 0; r < kGroup; r++) sums[r] = total(sum[r]);
  }
  static void dots4(const int8_t* query, size_t planeBytes, const uint8_t* const* row,
                    int32_t* sums) {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i lowHalf = _mm256_set1_epi8(15);
    __m256i sum[kGroup] = {zero, zero, zero, zero};
    for (size_t i = 0; i < planeBytes; i += 32) {
      const __m256i low = loadQuery(query + i);
      const __m256i high = loadQuery(query + planeBytes + i);
      for (size_t r = 0; r < kGroup; r++) {
        const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row[r] + i));
        sum[r] = addProducts(sum[r], _mm256_and_si256(codes, lowHalf), low);
        sum[r] = addProducts(sum[r], _mm256_and_si256(_mm256_srli_epi16(codes, 4), lowHalf), high);
      }
    }
    for (size_t r = 0; r < kGroup; r++) sums[r] = total(sum[r]);
  }
};

} // namespace

#include "quantize/isa/rabitq_loops.hpp"

namespace vicinal {
const RabitqKernels rabitqAvx2Kernels = kernelSet(Isa::Avx2, "avx2");
}
