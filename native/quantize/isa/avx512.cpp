#include <cfloat>
#include <immintrin.h>

#include "quantize/isa/sets.hpp"
#include "quantize/isa/totals_avx512.hpp"

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
    storeTotals(sum, sums);
  }
};

} // namespace

#include "quantize/isa/loops.hpp"

namespace vicinal {
const Sq8Kernels sq8Avx512Kernels = kernelSet(Isa::Avx512, "avx512vnni");
}
