// Storage types of vector components: floats of four bytes, halves of two bytes, integers from 0 to
// 255 of one byte. Vectors come in and go out as floats. They are rounded to their datatype before
// they are stored (prepare.hpp), so narrow storage loses nothing.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "distance/metric.hpp"

namespace vicinal {

enum class Datatype : uint8_t { Float32, Float16, Uint8 };

// A half-precision number as it lies in memory (IEEE 754 binary16).
struct Half {
  uint16_t bits;
};

constexpr uint32_t bytesOf(Datatype datatype) {
  return datatype == Datatype::Float32 ? 4 : datatype == Datatype::Float16 ? 2 : 1;
}

// The names 'float32', 'float16' and 'uint8'.
const char* nameOf(Datatype datatype);
bool isDatatype(std::string_view name, Datatype& datatype);

// Storage type of rows whose components were rounded to `rounded`. Integers scaled to unit length
// are no longer integers, and half precision is too coarse for them, so they are stored as floats.
constexpr Datatype storedAs(Datatype rounded, Metric metric) {
  return rounded == Datatype::Uint8 && metric == Metric::Cosine ? Datatype::Float32 : rounded;
}

// The nearest half-precision number, ties to even; infinite beyond 65,519.
inline float roundedToHalf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits & 0x80000000u;
  const float size = std::fabs(value);
  // Below the least normal half, all steps have one size. Adding a float with the same step rounds
  // the value to it.
  constexpr float kLeastNormal = 0x1p-14f;
  constexpr float kSubnormalStep = 0x1.8p-1f;
  if (size < kLeastNormal) return std::copysign((size + kSubnormalStep) - kSubnormalStep, value);
  // Drops thirteen bits of the fraction, ties to even; a carry raises the exponent.
  const uint32_t fraction = bits & 0x7fffffffu;
  const uint32_t rounded = (fraction + 0xfffu + ((fraction >> 13) & 1u)) & ~0x1fffu;
  constexpr uint32_t kBeyondHalf = 0x47800000u; // 65,536
  if (rounded >= kBeyondHalf) return std::copysign(INFINITY, value);
  return std::bit_cast<float>(rounded | sign);
}

// NaN stays NaN.
inline Half toHalf(float value) {
  const uint32_t sign = std::bit_cast<uint32_t>(value) >> 16 & 0x8000u;
  if (std::isnan(value)) return {static_cast<uint16_t>(sign | 0x7e00u)};
  const float rounded = std::fabs(roundedToHalf(value));
  // Multiplying by 2^-112 shifts the exponent to the range of halves and turns values that are
  // denormal as halves into denormal floats. It is exact, because the value is already rounded.
  constexpr float kShift = 0x1p-112f;
  const uint32_t bits =
      std::isinf(rounded) ? 0x7c00u : std::bit_cast<uint32_t>(rounded * kShift) >> 13;
  return {static_cast<uint16_t>(sign | bits)};
}

inline float fromHalf(Half half) {
  const uint32_t sign = uint32_t(half.bits & 0x8000u) << 16;
  const uint32_t size = uint32_t(half.bits & 0x7fffu) << 13;
  constexpr uint32_t kNotFinite = 0x7c00u << 13;
  constexpr uint32_t kExponent = 0x7f800000u;
  if (size >= kNotFinite) return std::bit_cast<float>(sign | kExponent | size);
  constexpr float kShift = 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(std::bit_cast<float>(size) * kShift) | sign);
}

// The narrowest type that is wider: Float16 for Uint8, Float32 for the others.
constexpr Datatype nextWider(Datatype datatype) {
  return datatype == Datatype::Uint8 ? Datatype::Float16 : Datatype::Float32;
}

// Whether storing the components in this type keeps every bit.
bool holds(Datatype datatype, const float* components, size_t count);

// Converts `count` components to floats and back. `narrow` rounds to the nearest value of the type.
void widen(const void* from, Datatype datatype, size_t count, float* to);
void narrow(const float* from, Datatype datatype, size_t count, void* to);
// Converts components from one type to another.
void convert(const void* from, Datatype fromType, void* to, Datatype toType, size_t count);

} // namespace vicinal
