#include "distance/datatype.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "distance/kernels.hpp"

namespace vicinal {

namespace {

constexpr const char* kNames[] = {"float32", "float16", "uint8", "float32"};

void split(const float* from, size_t dim, uint16_t* to) {
  constexpr size_t half = kSplitBlock / 2;
  for (size_t block = 0; block < dim; block += kSplitBlock)
    for (size_t pair = 0; pair < half; pair++)
      for (size_t upper = 0; upper < 2; upper++) {
        const uint32_t bits =
            std::bit_cast<uint32_t>(from[block + upper * half + pair]) + kSplitHalf;
        uint16_t* const word = to + block + 2 * pair + upper;
        word[0] = static_cast<uint16_t>(bits >> 16);
        word[dim] = static_cast<uint16_t>(bits);
      }
}

} // namespace

const char* nameOf(Datatype datatype) { return kNames[size_t(datatype)]; }

bool isDatatype(std::string_view name, Datatype& datatype) {
  for (const Datatype each : {Datatype::Float32, Datatype::Float16, Datatype::Uint8}) {
    if (name != nameOf(each)) continue;
    datatype = each;
    return true;
  }
  return false;
}

void widen(const void* from, Datatype datatype, size_t rows, size_t dim, float* to) {
  const WidenFn widened = kernels().of(datatype).widen;
  if (datatype != Datatype::SplitFloat32) return widened(from, rows * dim, to);
  for (size_t row = 0; row < rows; row++)
    widened(static_cast<const float*>(from) + row * dim, dim, to + row * dim);
}

void narrow(const float* from, Datatype datatype, size_t rows, size_t dim, void* to) {
  const size_t count = rows * dim;
  if (datatype == Datatype::Float32) {
    std::memcpy(to, from, count * sizeof(float));
  } else if (datatype == Datatype::SplitFloat32) {
    for (size_t at = 0; at < count; at += dim)
      split(from + at, dim, static_cast<uint16_t*>(to) + 2 * at);
  } else if (datatype == Datatype::Float16) {
    auto* const halves = static_cast<Half*>(to);
    for (size_t i = 0; i < count; i++) halves[i] = toHalf(from[i]);
  } else {
    // The greatest of 0 and what is no number is 0.
    auto* const bytes = static_cast<uint8_t*>(to);
    for (size_t i = 0; i < count; i++)
      bytes[i] = static_cast<uint8_t>(std::min(255.0f, std::max(0.0f, from[i])) + 0.5f);
  }
}

bool holds(Datatype datatype, const float* components, size_t count) {
  if (bytesOf(datatype) == sizeof(float)) return true;
  // In pieces: nearly all that is not held is told by the first.
  constexpr size_t kAtOnce = 64;
  uint16_t narrowed[kAtOnce];
  float widened[kAtOnce];
  for (size_t at = 0; at < count; at += kAtOnce) {
    const size_t some = std::min(kAtOnce, count - at);
    narrow(components + at, datatype, 1, some, narrowed);
    widen(narrowed, datatype, 1, some, widened);
    if (std::memcmp(components + at, widened, some * sizeof(float)) != 0) return false;
  }
  return true;
}

void convert(const void* from, Datatype fromType, void* to, Datatype toType, size_t rows,
             size_t dim) {
  if (fromType == toType) {
    std::memcpy(to, from, rows * dim * bytesOf(fromType));
    return;
  }
  if (fromType == Datatype::Float32)
    return narrow(static_cast<const float*>(from), toType, rows, dim, to);
  if (toType == Datatype::Float32) return widen(from, fromType, rows, dim, static_cast<float*>(to));
  thread_local std::vector<float> floats;
  floats.resize(dim);
  for (size_t row = 0; row < rows; row++) {
    widen(static_cast<const std::byte*>(from) + row * dim * bytesOf(fromType), fromType, 1, dim,
          floats.data());
    narrow(floats.data(), toType, 1, dim,
           static_cast<std::byte*>(to) + row * dim * bytesOf(toType));
  }
}

} // namespace vicinal
