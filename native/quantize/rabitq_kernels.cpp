#include "quantize/rabitq_kernels.hpp"

#include "quantize/isa/rabitq_sets.hpp"

namespace vicinal {

namespace {

// Best first, from the set chosen for floats on.
const RabitqKernels& choose() {
  constexpr Isa bestFirst[] = {Isa::Avx512, Isa::Avx2, Isa::Neon};
  bool isAllowed = false;
  for (const Isa isa : bestFirst) {
    isAllowed = isAllowed || isa == kernels().isa;
    const RabitqKernels* set = isAllowed ? rabitqKernelsFor(isa) : nullptr;
    if (set != nullptr) return *set;
  }
  return rabitqScalarKernels;
}

} // namespace

const RabitqKernels* rabitqKernelsFor(Isa isa) {
  switch (isa) {
  case Isa::Scalar: return &rabitqScalarKernels;
#if defined(__x86_64__)
  case Isa::Avx2: return __builtin_cpu_supports("avx2") ? &rabitqAvx2Kernels : nullptr;
  case Isa::Avx512:
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vnni")
               ? &rabitqAvx512Kernels
               : nullptr;
#elif defined(__aarch64__)
  case Isa::Neon: return &rabitqNeonKernels;
#endif
  default: return nullptr;
  }
}

const RabitqKernels& rabitqKernels() {
  static const RabitqKernels& chosen = choose();
  return chosen;
}

} // namespace vicinal
