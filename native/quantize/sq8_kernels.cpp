#include "quantize/sq8_kernels.hpp"

#include "quantize/isa/sets.hpp"
#include "quantize/kernel_choice.hpp"

namespace vicinal {

const Sq8Kernels* sq8KernelsFor(Isa isa) {
  switch (isa) {
  case Isa::Scalar: return &sq8ScalarKernels;
#if defined(__x86_64__)
  case Isa::Avx2: return __builtin_cpu_supports("avx2") ? &sq8Avx2Kernels : nullptr;
  case Isa::Avx512: return hasVnni() ? &sq8Avx512Kernels : nullptr;
#elif defined(__aarch64__)
  case Isa::Neon: return &sq8NeonKernels;
#endif
  default: return nullptr;
  }
}

const Sq8Kernels& sq8Kernels() {
  static const Sq8Kernels& chosen = bestKernels(sq8KernelsFor, sq8ScalarKernels);
  return chosen;
}

} // namespace vicinal
