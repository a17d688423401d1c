#include "distance/prepare.hpp"

#include <algorithm>
#include <cmath>

namespace vicinal {

namespace {

// A squared norm within this tolerance counts as 1: rounding a unit vector's components to floats
// changes its squared norm by up to this much.
constexpr double unitTolerance = 4e-7;

// This cannot overflow a double: the square of the greatest float is 1e77. The result is finite
// exactly if every component is finite.
double squaredNorm(const float* vector, size_t dim) {
  constexpr size_t lanes = 8;
  double sums[lanes] = {};
  size_t i = 0;
  for (; i + lanes <= dim; i += lanes)
    for (size_t lane = 0; lane < lanes; lane++) {
      const double component = vector[i + lane];
      sums[lane] += component * component;
    }
  double sum = 0;
  for (; i < dim; i++) sum += double(vector[i]) * double(vector[i]);
  for (const double part : sums) sum += part;
  return sum;
}

} // namespace

double norm(const float* vector, size_t dim) { return std::sqrt(squaredNorm(vector, dim)); }

int64_t prepareVectors(float* data, size_t count, size_t dim, bool normalise) {
  for (size_t row = 0; row < count; row++) {
    float* vector = data + row * dim;
    const double squared = squaredNorm(vector, dim);
    if (!std::isfinite(squared)) return int64_t(row);
    if (!normalise || squared == 0 || std::fabs(squared - 1) <= unitTolerance) continue;
    const double scale = 1 / std::sqrt(squared);
    for (size_t i = 0; i < dim; i++) vector[i] = float(double(vector[i]) * scale);
  }
  return -1;
}

int64_t prepareVectors(float* data, size_t count, size_t dim, bool normalise, Datatype datatype) {
  if (datatype == Datatype::Uint8)
    for (size_t i = 0; i < count * dim; i++)
      if (std::isfinite(data[i])) data[i] = std::trunc(std::min(255.0f, std::max(0.0f, data[i])));
  const int64_t wrong = prepareVectors(data, count, dim, normalise);
  if (wrong >= 0 || datatype != Datatype::Float16) return wrong;
  for (size_t i = 0; i < count * dim; i++) {
    data[i] = roundedToHalf(data[i]);
    if (!std::isfinite(data[i])) return int64_t(i / dim);
  }
  return -1;
}

} // namespace vicinal
