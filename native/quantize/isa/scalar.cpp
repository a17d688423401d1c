// The set without special instructions: the reference of the tests, and the fallback on processors
// without any other set.
#include <cfloat>

#include "quantize/isa/sets.hpp"

namespace {

constexpr size_t kGroup = 4;

struct Simd {
  static void dots(const int8_t* query, const uint8_t* const* row, size_t bytes, int32_t* sums) {
    for (size_t r = 0; r < kGroup; r++) {
      int32_t sum = 0;
      for (size_t i = 0; i < bytes; i++) sum += int32_t(row[r][i]) * query[i];
      sums[r] = sum;
    }
  }
};

} // namespace

#include "quantize/isa/loops.hpp"

namespace vicinal {
const Sq8Kernels sq8ScalarKernels = kernelSet(Isa::Scalar, "scalar");
}
