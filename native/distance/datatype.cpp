#include "distance/datatype.hpp"

#include <algorithm>
#include <cstring>

#include "distance/kernels.hpp"

namespace vicinal {

namespace {

constexpr const char* kNames[] = {"float32", "float16", "uint8"};

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

void widen(const void* from, Datatype datatype, size_t count, float* to) {
  kernels().of(datatype).widen(from, count, to);
}

void narrow(const float* from, Datatype datatype, size_t count, void* to) {
  if (datatype == Datatype::Float32) {
    std::memcpy(to, from, count * sizeof(float));
  } else if (datatype == Datatype::Float16) {
    auto* const halves = static_cast<Half*>(to);
    for (size_t i = 0; i < count; i++) halves[i] = toHalf(from[i]);
  } else {
    // std::max returns 0 for NaN here.
    auto* const bytes = static_cast<uint8_t*>(to);
    for (size_t i = 0; i < count; i++)
      bytes[i] = static_cast<uint8_t>(std::min(255.0f, std::max(0.0f, from[i])) + 0.5f);
  }
}

bool holds(Datatype datatype, const float* components, size_t count) {
  if (datatype == Datatype::Float32) return true;
  // In blocks, since the first block mostly shows a value that the datatype cannot hold.
  constexpr size_t kAtOnce = 64;
  uint16_t narrowed[kAtOnce];
  float widened[kAtOnce];
  for (size_t at = 0; at < count; at += kAtOnce) {
    const size_t some = std::min(kAtOnce, count - at);
    narrow(components + at, datatype, some, narrowed);
    widen(narrowed, datatype, some, widened);
    if (std::memcmp(components + at, widened, some * sizeof(float)) != 0) return false;
  }
  return true;
}

void convert(const void* from, Datatype fromType, void* to, Datatype toType, size_t count) {
  if (fromType == toType) {
    std::memcpy(to, from, count * bytesOf(fromType));
    return;
  }
  constexpr size_t kAtOnce = 256;
  float floats[kAtOnce];
  for (size_t at = 0; at < count; at += kAtOnce) {
    const size_t some = std::min(kAtOnce, count - at);
    widen(static_cast<const std::byte*>(from) + at * bytesOf(fromType), fromType, some, floats);
    narrow(floats, toType, some, static_cast<std::byte*>(to) + at * bytesOf(toType));
  }
}

} // namespace vicinal
