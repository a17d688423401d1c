// The loops of RaBitQ that all instruction sets share. Each rabitq_*.cpp of this folder includes
// this once, after defining
//
//   struct Simd {
//     static void dots1(query, planeBytes, row[kGroup], sums[kGroup])
//     static void dots4(query, planeBytes, row[kGroup], sums[kGroup])
//   }
//
// in an unnamed namespace. Both add up code × query code for each of four rows. `planeBytes` is a
// multiple of 64 and the planes are aligned to 64 bytes; rows are aligned to 32.

#include "quantize/isa/rows_ahead.hpp"

namespace {

using vicinal::RabitqQuery;
using vicinal::RabitqTerms;

using Dots = void (*)(const int8_t* query, size_t planeBytes, const uint8_t* const* row,
                      int32_t* sums);

// `isById` as in scoreRows. `known` is the length of rows and planes in bytes if the compiler knows
// it, else 0.
template <Dots dots, bool isById, size_t known>
inline void scoreBy(const RabitqQuery& query, const uint8_t* rows, size_t anyStride,
                    const uint32_t* ids, size_t count, float* distances) {
  const size_t stride = known > 0 ? known : anyStride;
  const size_t planeBytes = known > 0 ? known : query.planeBytes;
  // Local copies: writing to `distances` cannot change them, so the compiler need not reload them.
  const float scale = query.scale;
  const float middle = query.middle;
  const float ofQuery = query.add;
  const int8_t* const codes = query.codes;
  const auto termsOf = [=](const uint8_t* row) {
    return reinterpret_cast<const RabitqTerms*>(row + stride - sizeof(RabitqTerms));
  };
  const auto addUp = [=](const uint8_t* const* group, int32_t* sums) {
    dots(codes, planeBytes, group, sums);
  };
  const auto finish = [=](const uint8_t* const* group, FourInts sums) {
    const Four add = fourOf(group, [=](const uint8_t* row) { return termsOf(row)->add; });
    const Four factor = fourOf(group, [=](const uint8_t* row) { return termsOf(row)->factor; });
    const Four along = scale * (__builtin_convertvector(sums, Four) - middle);
    return ofQuery + (add - factor * along);
  };
  scoreRows<isById>(rows, stride, ids, count, addUp, finish, distances);
}

// Rows of `frequent` bytes get loops of their own; 0 means no such length.
template <Dots dots, size_t frequent>
void many(const RabitqQuery& query, const uint8_t* rows, size_t stride, const uint32_t* ids,
          size_t count, float* distances) {
  // With a known length the compiler leaves out the loops over lines, which saves a tenth of the
  // time.
  if (frequent > 0 && ids != nullptr && stride == frequent && query.planeBytes == frequent)
    scoreBy<dots, true, frequent>(query, rows, stride, ids, count, distances);
  else if (ids != nullptr)
    scoreBy<dots, true, 0>(query, rows, stride, ids, count, distances);
  else
    scoreBy<dots, false, 0>(query, rows, stride, ids, count, distances);
}

constexpr vicinal::RabitqKernels kernelSet(vicinal::Isa isa, const char* name) {
  return {isa, name, many<Simd::dots1, 0>, many<Simd::dots4, kLine>};
}

} // namespace
