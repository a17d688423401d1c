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
  const auto addUp = [&](const uint8_t* const* group, int32_t* sums) {
    dots(query.codes, query.planeBytes, group, sums);
  };
  const auto finish = [&](const uint8_t* row, int32_t sum) {
    const auto& terms = *reinterpret_cast<const RabitqTerms*>(row + stride - sizeof(RabitqTerms));
    const float along = query.scale * (float(sum) - query.middle);
    return query.add + (terms.add - terms.factor * along);
  };
  scoreRows(rows, stride, ids, count, addUp, finish, distances);
}

constexpr vicinal::RabitqKernels kernelSet(vicinal::Isa isa, const char* name) {
  return {isa, name, many<Simd::dots1>, many<Simd::dots4>};
}

} // namespace
