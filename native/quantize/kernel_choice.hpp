// Which set of kernels of a code runs.
#pragma once

#include "distance/kernels.hpp"

namespace vicinal {

// The best set there is from the instruction set chosen for floats on; `setFor(isa)` is null where
// there is none.
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
// What the files of codes for AVX-512 are compiled for (binding.gyp).
inline bool hasVnni() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vnni");
}
#endif

} // namespace vicinal
