// What the loops over rows of codes share. Included within each instruction set's own file only, as
// those loops are.
#pragma once

#include <cfloat>
#include <cstddef>
#include <cstdint>

namespace {

// NaN becomes the greatest float.
inline float bounded(float distance) {
  const float low = distance < FLT_MAX ? distance : FLT_MAX;
  return low > -FLT_MAX ? low : -FLT_MAX;
}

constexpr size_t kGroupsAhead = 2;
constexpr size_t kLine = 64;
// The hardware follows a row by itself once its first lines came.
constexpr size_t kPrefetched = 16 * kLine;

inline void prefetchRow(const uint8_t* row, size_t stride) {
  const size_t end = stride < kPrefetched ? stride : kPrefetched;
  for (size_t at = 0; at < end; at += kLine) __builtin_prefetch(row + at);
  if (stride > end) __builtin_prefetch(row + stride - kLine);
}

} // namespace
