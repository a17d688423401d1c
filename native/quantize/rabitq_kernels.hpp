// The kernels of RaBitQ, one set per instruction set, chosen once at run time as those of floats
// are.
#pragma once

#include "distance/kernels.hpp"
#include "quantize/rabitq.hpp"

namespace vicinal {

struct RabitqKernels {
  Isa isa;
  const char* name; // 'scalar', 'neon', 'avx2', 'avx512vnni'
  RabitqManyFn of1;
  RabitqManyFn of4;
};

// The best set this processor runs that is not beyond the one chosen for floats.
const RabitqKernels& rabitqKernels();

// The set of one instruction set, or null where this build or processor lacks it.
const RabitqKernels* rabitqKernelsFor(Isa isa);

} // namespace vicinal
