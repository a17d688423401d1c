// What the components of vectors are kept as: floats of four bytes, halves of two, or integers from
// 0 to 255 of one. Vectors come in and go out as floats, rounded to their datatype before anything
// stores them (prepare.hpp), so keeping them narrower loses nothing.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "distance/metric.hpp"

namespace vicinal {

enum class Datatype : uint8_t { Float32, Float16, Uint8 };

// A number in half precision, as it lies in memory (IEEE 754 binary16).
struct Half {
  uint16_t bits;
};

constexpr uint32_t bytesOf(Datatype datatype) {
  return datatype == Datatype::Float32 ? 4 : datatype == Datatype::Float16 ? 2 : 1;
}

// 'float32', 'float16', 'uint8'.
const char* nameOf(Datatype datatype);
bool isDatatype(std::string_view name, Datatype& datatype);

// What rows are kept as whose components are rounded to `rounded`. Integers that were scaled to
// unit length are none any more, and too many for halves to tell apart.
constexpr Datatype storedAs(Datatype rounded, Metric metric) {
  return rounded == Datatype::Uint8 && metric == Metric::Cosine ? Datatype::Float32 : rounded;
}

// The nearest half-precision float, ties to even; infinite beyond 65,519.
inline float roundedToHalf(float value) {
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

// Of a float that is no number, one that is none either.
inline Half toHalf(float value) {
  const uint32_t sign = std::bit_cast<uint32_t>(value) >> 16 & 0x8000u;
  if (std::isnan(value)) return {static_cast<uint16_t>(sign | 0x7e00u)};
  const float rounded = std::fabs(roundedToHalf(value));
  // Two to the power of -112 moves the exponent to where halves have it, and makes denormals of
  // what are denormal halves. It is exact: the value has been rounded.
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

// Of Uint8 and Float16 the next one that holds all it does; Float32 of itself.
constexpr Datatype nextWider(Datatype datatype) {
  return datatype == Datatype::Uint8 ? Datatype::Float16 : Datatype::Float32;
}

// Whether the components are the same, bit for bit, once they were kept as that.
bool holds(Datatype datatype, const float* components, size_t count);

// `count` components, as floats and back. What a type can't hold becomes the nearest that it can.
void widen(const void* from, Datatype datatype, size_t count, float* to);
void narrow(const float* from, Datatype datatype, size_t count, void* to);
// From one type to another.
void convert(const void* from, Datatype fromType, void* to, Datatype toType, size_t count);

} // namespace vicinal
