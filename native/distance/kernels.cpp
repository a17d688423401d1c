#include "distance/kernels.hpp"

#include <cstdlib>
#include <cstring>

#include "distance/isa/sets.hpp"

namespace vicinal {

namespace {

constexpr Isa bestFirst[] = {Isa::Avx512, Isa::Avx2, Isa::Neon, Isa::Scalar};

const Kernels& choose() {
  if (const char* forced = std::getenv("VICINAL_ISA"))
    for (const Isa isa : bestFirst) {
      const Kernels* set = kernelsFor(isa);
      if (set != nullptr && std::strcmp(set->name, forced) == 0) return *set;
    }
  for (const Isa isa : bestFirst)
    if (const Kernels* set = kernelsFor(isa)) return *set;
  return scalarKernels;
}

} // namespace

const Kernels* kernelsFor(Isa isa) {
  switch (isa) {
  case Isa::Scalar: return &scalarKernels;
#if defined(__x86_64__)
  case Isa::Avx2:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &avx2Kernels : nullptr;
  case Isa::Avx512:
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
               ? &avx512Kernels
               : nullptr;
#elif defined(__aarch64__)
  case Isa::Neon: return &neonKernels;
#endif
  default: return nullptr;
  }
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

Space::Space(Metric metricOfRows, uint32_t dimensions, const float* firstRow)
    : metric(metricOfRows), dim(dimensions), rows(firstRow),
      distanceFn(kernels().distance[size_t(metricOfRows)]),
      manyFn(kernels().distanceMany[size_t(metricOfRows)]),
      leastFn(kernels().least[size_t(metricOfRows)]) {}

} // namespace vicinal
