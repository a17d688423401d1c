// The kernels of RaBitQ: one set for each instruction set, chosen once at run time like those of
// floats.
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

// The best set that this processor runs and that is not beyond the set chosen for floats.
const RabitqKernels& rabitqKernels();

// The set of one instruction set; null if this build or processor lacks it.
const RabitqKernels* rabitqKernelsFor(Isa isa);

} // namespace vicinal
