#include "distance/kernels.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

#if defined(__x86_64__)
// Whether the processor converts halves to floats (F16C). Asks CPUID, because not every compiler
// has a builtin for it.
bool readsHalves() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif

} // namespace

const Kernels* kernelsFor(Isa isa) {
  switch (isa) {
  case Isa::Scalar: return &scalarKernels;
#if defined(__x86_64__)
  case Isa::Avx2:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && readsHalves()
               ? &avx2Kernels
               : nullptr;
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

Space::Space(Metric metricOfRows, uint32_t dimensions, const void* firstRow,
             Datatype datatypeOfRows)
    : metric(metricOfRows), datatype(datatypeOfRows), dim(dimensions),
      rowBytes(dimensions * bytesOf(datatypeOfRows)),
      rows(static_cast<const std::byte*>(firstRow)) {
  const RowKernels& functions = kernels().of(datatype);
  distanceFn = functions.distance[size_t(metric)];
  manyFn = functions.distanceMany[size_t(metric)];
  leastFn = functions.least[size_t(metric)];
  widenFn = functions.widen;
}

void Space::distancesToPlaces(const float* query, const uint32_t* ids, size_t count,
                              float* out) const {
  constexpr size_t kAtOnce = 128;
  uint32_t translated[kAtOnce];
  for (size_t from = 0; from < count; from += kAtOnce) {
    const size_t some = std::min(kAtOnce, count - from);
    for (size_t at = 0; at < some; at++) translated[at] = places[ids[from + at]];
    manyFn(query, rows, translated, some, dim, out + from);
  }
}

const float* RowFloats::of(const Space& space, uint32_t id) {
  if (space.datatype == Datatype::Float32) return static_cast<const float*>(space.row(id));
  copy_.resize(space.dim);
  space.load(id, copy_.data());
  return copy_.data();
}

} // namespace vicinal
