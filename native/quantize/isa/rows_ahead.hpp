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

// Distances of rows, in groups whose codes are added up together: `dots(group, sums)` does that for
// kGroup rows, `finish(row, sum)` makes a distance of a row's sum. `ids` as in Sq8ManyFn.
template <typename Dots, typename Finish>
void scoreRows(const uint8_t* rows, size_t stride, const uint32_t* ids, size_t count,
               const Dots& dots, const Finish& finish, float* distances) {
  const auto rowAt = [&](size_t i) { return rows + size_t(ids != nullptr ? ids[i] : i) * stride; };
  const size_t ahead = kGroup * kGroupsAhead;
  for (size_t i = 0; i < (count < ahead ? count : ahead); i++) prefetchRow(rowAt(i), stride);
  for (size_t i = 0; i < count; i += kGroup) {
    const size_t coming = i + ahead;
    for (size_t next = coming; next < coming + kGroup && next < count; next++)
      prefetchRow(rowAt(next), stride);
    // A last group that is not full repeats its last row.
    const size_t last = count - i < kGroup ? count - i - 1 : kGroup - 1;
    const uint8_t* group[kGroup];
    for (size_t r = 0; r < kGroup; r++) group[r] = rowAt(i + (r < last ? r : last));
    int32_t sums[kGroup];
    dots(group, sums);
    for (size_t r = 0; r <= last; r++) distances[i + r] = bounded(finish(group[r], sums[r]));
  }
}

} // namespace
