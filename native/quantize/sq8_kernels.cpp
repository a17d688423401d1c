#include "quantize/sq8_kernels.hpp"

#include "quantize/isa/sets.hpp"

namespace vicinal {

namespace {

// Best first, from the set chosen for floats on.
const Sq8Kernels& choose() {
  constexpr Isa bestFirst[] = {Isa::Avx512, Isa::Avx2, Isa::Neon};
  bool isAllowed = false;
  for (const Isa isa : bestFirst) {
    isAllowed = isAllowed || isa == kernels().isa;
    const Sq8Kernels* set = isAllowed ? sq8KernelsFor(isa) : nullptr;
    if (set != nullptr) return *set;
  }
  return sq8ScalarKernels;
}

} // namespace

const Sq8Kernels* sq8KernelsFor(Isa isa) {
  switch (isa) {
  case Isa::Scalar: return &sq8ScalarKernels;
#if defined(__x86_64__)
  case Isa::Avx2: return __builtin_cpu_supports("avx2") ? &sq8Avx2Kernels : nullptr;
  case Isa::Avx512:
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni")
               ? &sq8Avx512Kernels
               : nullptr;
#elif defined(__aarch64__)
  case Isa::Neon: return &sq8NeonKernels;
#endif
  default: return nullptr;
  }
}

const Sq8Kernels& sq8Kernels() {
  static const Sq8Kernels& chosen = choose();
  return chosen;
}

} // namespace vicinal
