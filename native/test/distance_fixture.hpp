// How far apart two ways to add up one distance may be.
#pragma once

#include <cmath>
#include <limits>

#include "distance/kernels.hpp"

namespace vicinal::test {

// The rounding error allowed for a sum: proportional to the magnitudes of its terms.
inline double tolerance(Metric metric, const float* a, const float* b, size_t dim) {
  double size = 0;
  for (size_t i = 0; i < dim; i++) {
    const double term = std::fabs(double(a[i])) + std::fabs(double(b[i]));
    size += metric == Metric::L1 ? term : term * term;
  }
  return 1e-6 * size + double(dim) * std::numeric_limits<float>::denorm_min();
}

} // namespace vicinal::test
