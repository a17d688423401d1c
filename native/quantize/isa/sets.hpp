// The kernel sets of this build; each is defined in its own file of this folder.
#pragma once

#include "quantize/sq8_kernels.hpp"

namespace vicinal {

extern const Sq8Kernels sq8ScalarKernels;
#if defined(__x86_64__)
extern const Sq8Kernels sq8Avx2Kernels;
extern const Sq8Kernels sq8Avx512Kernels;
#elif defined(__aarch64__)
extern const Sq8Kernels sq8NeonKernels;
#endif

} // namespace vicinal
