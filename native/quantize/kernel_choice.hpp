// Chooses the kernel set of a code at run time.
#pragma once

#include "distance/kernels.hpp"

namespace vicinal {

// The best set that is not beyond the instruction set chosen for floats. `setFor(isa)` is null if
// there is no such set.
template <typename Set> const Set& bestKernels(const Set* (*setFor)(Isa), const Set& scalar) {
  constexpr Isa bestFirst[] = {Isa::Avx512, Isa::Avx2, Isa::Neon};
  bool isAllowed = false;
  for (const Isa isa : bestFirst) {
    isAllowed = isAllowed || isa == kernels().isa;
    const Set* set = isAllowed ? setFor(isa) : nullptr;
    if (set != nullptr) return *set;
  }
  return scalar;
}

#if defined(__x86_64__)
// The AVX-512 files of codes are compiled for these instructions (binding.gyp).
inline bool hasVnni() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vnni");
}
#endif

} // namespace vicinal
