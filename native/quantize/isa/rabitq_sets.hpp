// The kernel sets of this build; each is defined in its own file of this folder.
#pragma once

#include "quantize/rabitq_kernels.hpp"

namespace vicinal {

extern const RabitqKernels rabitqScalarKernels;
#if defined(__x86_64__)
extern const RabitqKernels rabitqAvx2Kernels;
extern const RabitqKernels rabitqAvx512Kernels;
#elif defined(__aarch64__)
extern const RabitqKernels rabitqNeonKernels;
#endif

} // namespace vicinal
