#include "quantize/rabitq_kernels.hpp"

#include "quantize/isa/rabitq_sets.hpp"
#include "quantize/kernel_choice.hpp"

namespace vicinal {

const RabitqKernels* rabitqKernelsFor(Isa isa) {
  switch (isa) {
  case Isa::Scalar: return &rabitqScalarKernels;
#if defined(__x86_64__)
  case Isa::Avx2: return __builtin_cpu_supports("avx2") ? &rabitqAvx2Kernels : nullptr;
  case Isa::Avx512: return hasVnni() ? &rabitqAvx512Kernels : nullptr;
#elif defined(__aarch64__)
  case Isa::Neon: return &rabitqNeonKernels;
#endif
  default: return nullptr;
  }
}

const RabitqKernels& rabitqKernels() {
  static const RabitqKernels& chosen = bestKernels(rabitqKernelsFor, rabitqScalarKernels);
  return chosen;
}

} // namespace vicinal
