// The kernel sets of this build; each is defined in its own file of this folder.
#pragma once

#include "distance/kernels.hpp"

namespace vicinal {

extern const Kernels scalarKernels;
#if defined(__x86_64__)
extern const Kernels avx2Kernels;
extern const Kernels avx512Kernels;
#elif defined(__aarch64__)
extern const Kernels neonKernels;
#endif

} // namespace vicinal
