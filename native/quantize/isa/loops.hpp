// The loops all instruction sets share. Each file of this folder includes this once, after defining
//
//   struct Simd { static void dots(query, row[kGroup], bytes, sums[kGroup]) }
//
// in an unnamed namespace, which adds up code × query code of four rows: what is compiled here for
// one instruction set must not be linked into another's code. `bytes` is a multiple of 64, the
// query is aligned to 64, rows to 16.

#include "quantize/isa/rows_ahead.hpp"

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
    Simd::dots(query.codes, group, query.bytes, sums);
    for (size_t r = 0; r <= last; r++) {
      const auto& terms = *reinterpret_cast<const Sq8Terms*>(group[r] + stride - sizeof(Sq8Terms));
      // The codes of rows are code + 128 here. Unsigned, so that a sum that wraps comes back.
      const auto dot = int32_t(uint32_t(sums[r]) - 128u * uint32_t(query.sum));
      distances[i + r] = bounded(op.finish(terms, float(dot)));
    }
  }
}

constexpr vicinal::Sq8Kernels kernelSet(vicinal::Isa isa, const char* name) {
  return {isa, name, many<Dot>, many<L2>};
}

} // namespace
