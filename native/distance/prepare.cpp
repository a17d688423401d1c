#include "distance/prepare.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace vicinal {

namespace {

// Squared norms this near to one are one: rounding a unit vector's components to float moves it
// this far.
constexpr double unitTolerance = 4e-7;

// Cannot overflow: the square of the greatest float is 1e77. Finite if and only if every component
// is.
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

float roundedToHalf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits & 0x80000000u;
  const float size = std::fabs(value);
  // Below the least normal half, steps are all of one size: added to a float that has this step,
  // the value is rounded to it.
  constexpr float kLeastNormal = 0x1p-14f;
  constexpr float kSubnormalStep = 0x1.8p-1f;
  if (size < kLeastNormal) return std::copysign((size + kSubnormalStep) - kSubnormalStep, value);
  // Thirteen bits of the fraction go, the nearest even stays; a carry moves the exponent on.
  const uint32_t fraction = bits & 0x7fffffffu;
  const uint32_t rounded = (fraction + 0xfffu + ((fraction >> 13) & 1u)) & ~0x1fffu;
  constexpr uint32_t kBeyondHalf = 0x47800000u; // 65,536
  if (rounded >= kBeyondHalf) return std::copysign(INFINITY, value);
  return std::bit_cast<float>(rounded | sign);
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
