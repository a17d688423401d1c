// The kernels of SQ8, one set per instruction set, chosen once at run time as those of floats are.
#pragma once

#include "distance/kernels.hpp"
#include "quantize/sq8.hpp"

namespace vicinal {

struct Sq8Kernels {
  Isa isa;
  const char* name; // 'scalar', 'neon', 'avx2', 'avx512vnni'
  Sq8ManyFn dot;    // of Cosine and Dot
  Sq8ManyFn l2;
  Sq8EncodeFn encode;
};

// The best set this processor runs that is not beyond the one chosen for floats.
const Sq8Kernels& sq8Kernels();

// The set of one instruction set, or null where this build or processor lacks it.
const Sq8Kernels* sq8KernelsFor(Isa isa);

} // namespace vicinal
