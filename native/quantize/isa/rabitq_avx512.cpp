#include <cstring>
#include <immintrin.h>

#include "quantize/isa/rabitq_sets.hpp"
#include "quantize/isa/totals_avx512.hpp"

namespace {

constexpr size_t kGroup = 4;

struct Simd {
  // Each bit of the row selects a byte of the query.
  static void dots1(const int8_t* query, size_t planeBytes, const uint8_t* const* row,
                    int32_t* sums) {
    const __m512i zero = _mm512_setzero_si512();
    const __m512i one = _mm512_set1_epi8(1);
    __m512i sum[kGroup] = {zero, zero, zero, zero};
    for (size_t i = 0; i < planeBytes; i += 64) {
      const __m512i part = _mm512_load_si512(query + i);
      for (size_t r = 0; r < kGroup; r++) {
        uint64_t bits;
        std::memcpy(&bits, row[r] + i / 8, sizeof bits);
        sum[r] = _mm512_dpbusd_epi32(sum[r], _mm512_maskz_mov_epi8(bits, one), part);
      }
    }
    storeTotals(sum, sums);
  }
  static void dots4(const int8_t* query, size_t planeBytes, const uint8_t* const* row,
                    int32_t* sums) {
    const __m512i zero = _mm512_setzero_si512();
    const __m512i lowHalf = _mm512_set1_epi8(15);
    __m512i sum[kGroup] = {zero, zero, zero, zero};
    for (size_t i = 0; i < planeBytes; i += 64) {
      const __m512i low = _mm512_load_si512(query + i);
      const __m512i high = _mm512_load_si512(query + planeBytes + i);
      for (size_t r = 0; r < kGroup; r++) {
        const __m512i codes = _mm512_loadu_si512(row[r] + i);
        sum[r] = _mm512_dpbusd_epi32(sum[r], _mm512_and_si512(codes, lowHalf), low);
        sum[r] = _mm512_dpbusd_epi32(sum[r], _mm512_and_si512(_mm512_srli_epi16(codes, 4), lowHalf),
                                     high);
      }
    }
    storeTotals(sum, sums);
  }
};

} // namespace

#include "quantize/isa/rabitq_loops.hpp"

namespace vicinal {
const RabitqKernels rabitqAvx512Kernels = kernelSet(Isa::Avx512, "avx512vnni");
}
