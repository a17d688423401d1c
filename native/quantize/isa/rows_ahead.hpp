// Code that the loops over rows of codes share. Like those loops, it is included only within the
// file of each instruction set.
#pragma once

#include <cfloat>
#include <cstddef>
#include <cstdint>

namespace {

static_assert(kGroup == 4);
constexpr size_t kGroupsAhead = 2;
constexpr size_t kLine = 64;
// The hardware prefetches the rest of a row once its first lines were read.
constexpr size_t kPrefetched = 16 * kLine;
// Up to this many bytes of consecutive rows stay in the nearest cache when they are compared again
// and again. Prefetching them took three quarters of a scan's time.
constexpr size_t kNear = 128 * 1024;

inline void prefetchRow(const uint8_t* row, size_t stride) {
  const size_t end = stride < kPrefetched ? stride : kPrefetched;
  for (size_t at = 0; at < end; at += kLine) __builtin_prefetch(row + at);
  if (stride > end) __builtin_prefetch(row + stride - kLine);
}

using Four = float __attribute__((vector_size(16)));
using FourInts = int32_t __attribute__((vector_size(16)));
using FourUnsigned = uint32_t __attribute__((vector_size(16)));

// Bounds distances to finite floats; NaN becomes the greatest float.
inline Four bounded(Four distances) {
  constexpr Four most = {FLT_MAX, FLT_MAX, FLT_MAX, FLT_MAX};
  const Four low = distances < most ? distances : most;
  return low > -most ? low : -most;
}

// One number from each of four rows.
template <typename Of> inline Four fourOf(const uint8_t* const* group, const Of& of) {
  return Four{of(group[0]), of(group[1]), of(group[2]), of(group[3])};
}

// Scores rows in groups of kGroup. `dots(group, sums)` adds up a group's codes, `finish(group,
// sums)` turns the sums into distances. `ids` as in Sq8ManyFn.
template <bool isById, typename Dots, typename Finish>
void scoreRows(const uint8_t* rows, size_t stride, const uint32_t* ids, size_t count,
               const Dots& dots, const Finish& finish, float* distances) {
  const auto rowAt = [=](size_t i) { return rows + size_t(isById ? ids[i] : i) * stride; };
  const auto scored = [&](const uint8_t* const* group) {
    alignas(sizeof(FourInts)) int32_t sums[kGroup];
    dots(group, sums);
    FourInts four;
    __builtin_memcpy(&four, sums, sizeof four);
    return bounded(finish(group, four));
  };
  constexpr size_t ahead = kGroup * kGroupsAhead;
  // Rows from here on are not prefetched.
  const size_t end = isById || count * stride > kNear ? count : 0;
  for (size_t i = 0; i < (end < ahead ? end : ahead); i++) prefetchRow(rowAt(i), stride);
  size_t i = 0;
  for (; i + kGroup <= count; i += kGroup) {
    if (i + ahead + kGroup <= end)
      for (size_t r = 0; r < kGroup; r++) prefetchRow(rowAt(i + ahead + r), stride);
    else
      for (size_t next = i + ahead; next < end; next++) prefetchRow(rowAt(next), stride);
    const uint8_t* const group[kGroup] = {rowAt(i), rowAt(i + 1), rowAt(i + 2), rowAt(i + 3)};
    const Four four = scored(group);
    __builtin_memcpy(distances + i, &four, sizeof four);
  }
  if (i == count) return;
  // A last group that is not full repeats the last row.
  const size_t last = count - 1;
  const uint8_t* const group[kGroup] = {rowAt(i), rowAt(i + 1 < last ? i + 1 : last),
                                        rowAt(i + 2 < last ? i + 2 : last), rowAt(last)};
  const Four four = scored(group);
  for (size_t r = 0; i + r < count; r++) distances[i + r] = four[r];
}

} // namespace
