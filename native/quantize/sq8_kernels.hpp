// The kernels of SQ8: one set for each instruction set, chosen once at run time like those of
// floats.
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

// The best set that this processor runs and that is not beyond the set chosen for floats.
const Sq8Kernels& sq8Kernels();

// The set of one instruction set; null if this build or processor lacks it.
const Sq8Kernels* sq8KernelsFor(Isa isa);

} // namespace vicinal
