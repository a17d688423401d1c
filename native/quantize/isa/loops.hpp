// The loops that all instruction sets share. Each file of this folder includes this once, after
// defining
//
//   struct Simd { static void dots(query, row[kGroup], bytes, sums[kGroup]) }
//
// in an unnamed namespace. `dots` adds up code × query code for each of four rows. Code that is
// compiled for one instruction set must not be linked into another's code. `bytes` is a multiple of
// 64; the query is aligned to 64 bytes, rows to 16.

#include "quantize/isa/rows_ahead.hpp"
#include "quantize/isa/sq8_encode.hpp"

namespace {

using vicinal::Sq8Query;
using vicinal::Sq8Terms;

// The terms of four rows, one field in each vector.
struct FourTerms {
  FourTerms(const uint8_t* const* group, size_t stride)
      : middle(of(group, stride, &Sq8Terms::middle)), scale(of(group, stride, &Sq8Terms::scale)),
        sum(of(group, stride, &Sq8Terms::sum)), squares(of(group, stride, &Sq8Terms::squares)) {}
  static Four of(const uint8_t* const* group, size_t stride, float Sq8Terms::*term) {
    return fourOf(group, [=](const uint8_t* row) {
      return reinterpret_cast<const Sq8Terms*>(row + stride - sizeof(Sq8Terms))->*term;
    });
  }
  Four middle;
  Four scale;
  Four sum;
  Four squares;
};

// The negative dot product from the terms and the dot product of the codes, arranged around the
// middles.
struct Dot {
  explicit Dot(const Sq8Query& query)
      : ofMiddle(float(query.dim) * query.terms.middle + query.terms.scale * query.terms.sum),
        ofSum(query.terms.middle), ofDot(query.terms.scale) {}
  Four finish(const FourTerms& rows, Four dots) const {
    return -(rows.middle * ofMiddle + rows.scale * (ofSum * rows.sum + ofDot * dots));
  }
  float ofMiddle;
  float ofSum;
  float ofDot;
};

struct L2 {
  explicit L2(const Sq8Query& query)
      : dim(float(query.dim)), middle(query.terms.middle), sum(query.terms.scale * query.terms.sum),
        squares(query.terms.squares), ofDot(2 * query.terms.scale) {}
  Four finish(const FourTerms& rows, Four dots) const {
    const Four apart = middle - rows.middle;
    return apart * (dim * apart + 2 * (sum - rows.scale * rows.sum)) +
           (squares + rows.squares - ofDot * rows.scale * dots);
  }
  float dim;
  float middle;
  float sum;
  float squares;
  float ofDot;
};

// `isById` as in scoreRows. `known` is the length of rows and query in bytes if the compiler knows
// it, else 0.
template <typename Op, bool isById, size_t known>
inline void scoreBy(const Sq8Query& query, const uint8_t* rows, size_t anyStride,
                    const uint32_t* ids, size_t count, float* distances) {
  const size_t stride = known > 0 ? known : anyStride;
  const size_t bytes = known > 0 ? known : query.bytes;
  // Local copies: writing to `distances` cannot change them, so the compiler need not reload them.
  const Op op(query);
  const int8_t* const codes = query.codes;
  // Row codes are stored as code + 128, so their dot products are too great by this. Unsigned, so
  // that sums that wrap around come out right.
  const uint32_t tooMuch = 128u * uint32_t(query.sum);
  const auto addUp = [=](const uint8_t* const* group, int32_t* sums) {
    Simd::dots(codes, group, bytes, sums);
  };
  const auto finish = [=](const uint8_t* const* group, FourInts sums) {
    const auto dots = (FourInts)((FourUnsigned)sums - tooMuch);
    return op.finish(FourTerms(group, stride), __builtin_convertvector(dots, Four));
  };
  scoreRows<isById>(rows, stride, ids, count, addUp, finish, distances);
}

template <typename Op>
void many(const Sq8Query& query, const uint8_t* rows, size_t stride, const uint32_t* ids,
          size_t count, float* distances) {
  // Rows of 49 to 112 codes fill two cache lines. With a known length the compiler leaves out the
  // loops over lines, which saves a seventh of the time (docs/design/graph.md).
  constexpr size_t two = 2 * kLine;
  if (ids != nullptr && stride == two && query.bytes == two)
    scoreBy<Op, true, two>(query, rows, stride, ids, count, distances);
  else if (ids != nullptr)
    scoreBy<Op, true, 0>(query, rows, stride, ids, count, distances);
  else
    scoreBy<Op, false, 0>(query, rows, stride, ids, count, distances);
}

constexpr vicinal::Sq8Kernels kernelSet(vicinal::Isa isa, const char* name) {
  return {isa, name, many<Dot>, many<L2>, encodeRow};
}

} // namespace
