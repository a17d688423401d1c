// The set without special instructions: the reference of the tests, and the fallback on processors
// without any other set.
#include "quantize/isa/rabitq_sets.hpp"

namespace {

constexpr size_t kGroup = 4;

struct Simd {
  static void dots1(const int8_t* query, size_t planeBytes, const uint8_t* const* row,
                    int32_t* sums) {
    for (size_t r = 0; r < kGroup; r++) {
      int32_t sum = 0;
      for (size_t i = 0; i < planeBytes; i++) sum += (row[r][i / 8] >> (i % 8) & 1) * query[i];
      sums[r] = sum;
    }
  }
  static void dots4(const int8_t* query, size_t planeBytes, const uint8_t* const* row,
                    int32_t* sums) {
    for (size_t r = 0; r < kGroup; r++) {
      int32_t sum = 0;
      for (size_t i = 0; i < planeBytes; i++)
        sum += (row[r][i] & 15) * query[i] + (row[r][i] >> 4) * query[planeBytes + i];
      sums[r] = sum;
    }
  }
};

} // namespace

#include "quantize/isa/rabitq_loops.hpp"

namespace vicinal {
const RabitqKernels rabitqScalarKernels = kernelSet(Isa::Scalar, "scalar");
}
