// The loops all instruction sets share. Each file of this folder includes this once, after defining
//
//   struct Simd { static void dots(query, row[kGroup], bytes, sums[kGroup]) }
//
// in an unnamed namespace, which adds up code × query code of four rows: what is compiled here for
// one instruction set must not be linked into another's code. `bytes` is a multiple of 64, the
// query is aligned to 64, rows to 16.

#include "quantize/isa/rows_ahead.hpp"
#include "quantize/isa/sq8_encode.hpp"

namespace {

using vicinal::Sq8Query;
using vicinal::Sq8Terms;

// A negative dot product: what the rows' terms say, around the middles.
struct Dot {
  explicit Dot(const Sq8Query& query)
      : ofMiddle(float(query.dim) * query.terms.middle + query.terms.scale * query.terms.sum),
        ofSum(query.terms.middle), ofDot(query.terms.scale) {}
  float finish(const Sq8Terms& row, float dot) const {
    return -(row.middle * ofMiddle + row.scale * (ofSum * row.sum + ofDot * dot));
  }
  float ofMiddle;
  float ofSum;
  float ofDot;
};

struct L2 {
  explicit L2(const Sq8Query& query)
      : dim(float(query.dim)), middle(query.terms.middle), sum(query.terms.scale * query.terms.sum),
        squares(query.terms.squares), ofDot(2 * query.terms.scale) {}
  float finish(const Sq8Terms& row, float dot) const {
    const float apart = middle - row.middle;
    return apart * (dim * apart + 2 * (sum - row.scale * row.sum)) +
           (squares + row.squares - ofDot * row.scale * dot);
  }
  float dim;
  float middle;
  float sum;
  float squares;
  float ofDot;
};

template <typename Op>
void many(const Sq8Query& query, const uint8_t* rows, size_t stride, const uint32_t* ids,
          size_t count, float* distances) {
  const Op op(query);
  const auto dots = [&](const uint8_t* const* group, int32_t* sums) {
    Simd::dots(query.codes, group, query.bytes, sums);
  };
  const auto finish = [&](const uint8_t* row, int32_t sum) {
    const auto& terms = *reinterpret_cast<const Sq8Terms*>(row + stride - sizeof(Sq8Terms));
    // The codes of rows are code + 128 here. Unsigned, so that a sum that wraps comes back.
    const auto dot = int32_t(uint32_t(sum) - 128u * uint32_t(query.sum));
    return op.finish(terms, float(dot));
  };
  scoreRows(rows, stride, ids, count, dots, finish, distances);
}

constexpr vicinal::Sq8Kernels kernelSet(vicinal::Isa isa, const char* name) {
  return {isa, name, many<Dot>, many<L2>, encodeRow};
}

} // namespace
