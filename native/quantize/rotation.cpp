#include "quantize/rotation.hpp"

#include <bit>
#include <cmath>
#include <random>

namespace vicinal {

namespace {

constexpr uint32_t kRounds = 4;
constexpr unsigned kRotationSeed = 20'241;

// Unscaled, in place; `length` is a power of two.
void hadamard(float* values, uint32_t length) {
  for (uint32_t half = 1; half < length; half *= 2)
    for (uint32_t from = 0; from < length; from += 2 * half) {
      float* const a = values + from;
      float* const b = a + half;
      for (uint32_t i = 0; i < half; i++) {
        const float sum = a[i] + b[i];
        b[i] = a[i] - b[i];
        a[i] = sum;
      }
    }
}

} // namespace

Rotation::Rotation(uint32_t dim) : dim_(dim), window_(std::bit_floor(dim)) {
  std::mt19937 random(kRotationSeed);
  const float scale = 1 / std::sqrt(float(window_));
  signs_.resize(size_t(kRounds) * dim);
  for (uint32_t round = 0; round < kRounds; round++) {
    const uint32_t from = round % 2 == 0 ? 0 : dim - window_;
    for (uint32_t i = 0; i < dim; i++) {
      const float sign = (random() & 1u) != 0 ? 1.0f : -1.0f;
      signs_[size_t(round) * dim + i] = i >= from && i < from + window_ ? sign * scale : sign;
    }
  }
}

void Rotation::apply(float* vector) const {
  for (uint32_t round = 0; round < kRounds; round++) {
    const float* const signs = &signs_[size_t(round) * dim_];
    for (uint32_t i = 0; i < dim_; i++) vector[i] *= signs[i];
    hadamard(vector + (round % 2 == 0 ? 0 : dim_ - window_), window_);
  }
}

} // namespace vicinal
