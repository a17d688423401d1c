// The loops all instruction sets share. Each file of this folder includes this once, after defining
//
//   struct Simd { Vec; width; zero, load, loadPart (n < width floats, the rest zero), add, dot, l2,
//   l1, sum }
//
// in an unnamed namespace: what is compiled here for one instruction set must not be linked into
// another's code.
//
// One pair and many rows follow the same order of additions (two accumulators, then their sum), so
// they give the same bits.

namespace {

using vicinal::Metric;

struct Dot {
  static Simd::Vec step(Simd::Vec a, Simd::Vec b, Simd::Vec sum) { return Simd::dot(a, b, sum); }
  static float finish(float sum) { return -sum; }
};
struct L2 {
  static Simd::Vec step(Simd::Vec a, Simd::Vec b, Simd::Vec sum) { return Simd::l2(a, b, sum); }
  static float finish(float sum) { return sum; }
};
struct L1 {
  static Simd::Vec step(Simd::Vec a, Simd::Vec b, Simd::Vec sum) { return Simd::l1(a, b, sum); }
  static float finish(float sum) { return sum; }
};

// The comparisons are written so that NaN becomes the greatest float.
inline float bounded(float distance) {
  const float low = distance < FLT_MAX ? distance : FLT_MAX;
  return low > -FLT_MAX ? low : -FLT_MAX;
}

// Distances of one query to R rows, which share its loads.
template <typename Op, size_t R>
inline void rows(const float* query, const float* const* row, size_t dim, float* distances) {
  constexpr size_t width = Simd::width;
  Simd::Vec even[R];
  Simd::Vec odd[R];
  for (size_t r = 0; r < R; r++) even[r] = odd[r] = Simd::zero();
  size_t i = 0;
  for (; i + 2 * width <= dim; i += 2 * width) {
    const Simd::Vec first = Simd::load(query + i);
    const Simd::Vec second = Simd::load(query + i + width);
    for (size_t r = 0; r < R; r++) {
      even[r] = Op::step(first, Simd::load(row[r] + i), even[r]);
      odd[r] = Op::step(second, Simd::load(row[r] + i + width), odd[r]);
    }
  }
  if (i + width <= dim) {
    const Simd::Vec part = Simd::load(query + i);
    for (size_t r = 0; r < R; r++) even[r] = Op::step(part, Simd::load(row[r] + i), even[r]);
    i += width;
  }
  if (i < dim) {
    const Simd::Vec part = Simd::loadPart(query + i, dim - i);
    for (size_t r = 0; r < R; r++)
      odd[r] = Op::step(part, Simd::loadPart(row[r] + i, dim - i), odd[r]);
  }
  for (size_t r = 0; r < R; r++)
    distances[r] = bounded(Op::finish(Simd::sum(Simd::add(even[r], odd[r]))));
}

template <typename Op> float one(const float* a, const float* b, size_t dim) {
  float distance;
  rows<Op, 1>(a, &b, dim, &distance);
  return distance;
}

// The hardware follows a row by itself once its first lines came.
constexpr size_t lineFloats = 16;
constexpr size_t prefetchedFloats = 16 * lineFloats;
constexpr size_t groupRows = 4;
constexpr size_t groupsAhead = 2;

inline void prefetchRow(const float* row, size_t dim) {
  const size_t end = dim < prefetchedFloats ? dim : prefetchedFloats;
  for (size_t i = 0; i < end; i += lineFloats) __builtin_prefetch(row + i);
  __builtin_prefetch(row + end - 1); // rows do not start at the start of a line
}

template <typename Op>
void many(const float* query, const float* base, const uint32_t* ids, size_t count, size_t dim,
          float* distances) {
  const auto rowAt = [&](size_t i) { return base + size_t(ids != nullptr ? ids[i] : i) * dim; };
  const size_t ahead = groupRows * groupsAhead;
  for (size_t i = 0; i < (count < ahead ? count : ahead); i++) prefetchRow(rowAt(i), dim);
  size_t i = 0;
  for (; i + groupRows <= count; i += groupRows) {
    const size_t coming = i + ahead;
    for (size_t next = coming; next < coming + groupRows && next < count; next++)
      prefetchRow(rowAt(next), dim);
    const float* const group[groupRows] = {rowAt(i), rowAt(i + 1), rowAt(i + 2), rowAt(i + 3)};
    rows<Op, groupRows>(query, group, dim, distances + i);
  }
  for (; i < count; i++) distances[i] = one<Op>(query, rowAt(i), dim);
}

constexpr vicinal::Kernels kernelSet(vicinal::Isa isa, const char* name) {
  return {isa,
          name,
          {one<Dot>, one<Dot>, one<L2>, one<L1>},
          {many<Dot>, many<Dot>, many<L2>, many<L1>}};
}

} // namespace
