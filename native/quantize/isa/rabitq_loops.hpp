// The loops of RaBitQ that all instruction sets share. Each rabitq_*.cpp of this folder includes
// this once, after defining
//
//   struct Simd {
//     static void dots1(query, planeBytes, row[kGroup], sums[kGroup])
//     static void dots4(query, planeBytes, row[kGroup], sums[kGroup])
//   }
//
// in an unnamed namespace, which add up code × query code of four rows. `planeBytes` is a multiple
// of 64 and the planes are aligned to it; rows are aligned to 32.

#include "quantize/isa/rows_ahead.hpp"

namespace {

using vicinal::RabitqQuery;
using vicinal::RabitqTerms;

using Dots = void (*)(const int8_t* query, size_t planeBytes, const uint8_t* const* row,
                      int32_t* sums);

template <Dots dots>
void many(const RabitqQuery& query, const uint8_t* rows, size_t stride, const uint32_t* ids,
          size_t count, float* distances) {
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
    dots(query.codes, query.planeBytes, group, sums);
    for (size_t r = 0; r <= last; r++) {
      const auto& terms =
          *reinterpret_cast<const RabitqTerms*>(group[r] + stride - sizeof(RabitqTerms));
      const float along = query.scale * (float(sums[r]) - query.middle);
      distances[i + r] = bounded(query.add + (terms.add - terms.factor * along));
    }
  }
}

constexpr vicinal::RabitqKernels kernelSet(vicinal::Isa isa, const char* name) {
  return {isa, name, many<Simd::dots1>, many<Simd::dots4>};
}

} // namespace
