// The loops that all instruction sets share. Each file of this folder includes this once, after
// defining
//
//   struct Simd { Vec; width; zero, load, loadPart (n < width components, the rest zero), both of
//     floats, halves and bytes; add, dot, l2, l1, sum; Four, fill, negated, lesser (the second
//     where the first is NaN), store (of Vec and Four), sums (of four Vec, each added up in the
//     order of `sum`) }
//
// in an unnamed namespace: code that is compiled for one instruction set must not be linked into
// another's code.
//
// One pair and many rows follow the same order of additions (two accumulators, then their sum), so
// they give the same bits. Rows of halves and bytes become floats as they are loaded, so they give
// the bits of rows of the same floats.

namespace {

using vicinal::Half;
using vicinal::Metric;

struct Dot {
  static Simd::Vec step(Simd::Vec a, Simd::Vec b, Simd::Vec sum) { return Simd::dot(a, b, sum); }
  static float finish(float sum) { return -sum; }
  static Simd::Four finish(Simd::Four sums) { return Simd::negated(sums); }
};
struct L2 {
  static Simd::Vec step(Simd::Vec a, Simd::Vec b, Simd::Vec sum) { return Simd::l2(a, b, sum); }
  static float finish(float sum) { return sum; }
  static Simd::Four finish(Simd::Four sums) { return sums; }
};
struct L1 {
  static Simd::Vec step(Simd::Vec a, Simd::Vec b, Simd::Vec sum) { return Simd::l1(a, b, sum); }
  static float finish(float sum) { return sum; }
  static Simd::Four finish(Simd::Four sums) { return sums; }
};

// Bounds distances to finite floats. A comparison with NaN is false, so NaN becomes the greatest
// float.
inline float bounded(float distance) {
  const float low = distance < FLT_MAX ? distance : FLT_MAX;
  return low > -FLT_MAX ? low : -FLT_MAX;
}

// Distances of one query to R rows; each part of the query is loaded once for all rows.
template <typename Op, size_t R, typename Row>
inline void rows(const float* query, const Row* const* row, size_t dim, float* distances) {
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
  if constexpr (R == 4) {
    // Adding up four vectors together takes hardly longer than adding up one.
    Simd::store(Op::finish(Simd::sums(Simd::add(even[0], odd[0]), Simd::add(even[1], odd[1]),
                                      Simd::add(even[2], odd[2]), Simd::add(even[3], odd[3]))),
                distances);
    for (size_t r = 0; r < R; r++) distances[r] = bounded(distances[r]);
  } else {
    for (size_t r = 0; r < R; r++)
      distances[r] = bounded(Op::finish(Simd::sum(Simd::add(even[r], odd[r]))));
  }
}

template <typename Op, typename Row> float one(const float* query, const void* row, size_t dim) {
  const Row* const only = static_cast<const Row*>(row);
  float distance;
  rows<Op, 1>(query, &only, dim, &distance);
  return distance;
}

// The hardware prefetches the rest of a row once its first lines were read.
constexpr size_t lineBytes = 64;
constexpr size_t prefetchedLines = 16;
constexpr size_t groupRows = 4;
constexpr size_t groupsAhead = 2;

template <typename Row> inline void prefetchRow(const Row* row, size_t dim) {
  constexpr size_t line = lineBytes / sizeof(Row);
  const size_t end = dim < prefetchedLines * line ? dim : prefetchedLines * line;
  for (size_t i = 0; i < end; i += line) __builtin_prefetch(row + i);
  __builtin_prefetch(row + end - 1); // rows do not start at the start of a line
}

template <typename Op, typename Row>
void many(const float* query, const void* base, const uint32_t* ids, size_t count, size_t dim,
          float* distances) {
  const auto rowAt = [&](size_t i) {
    return static_cast<const Row*>(base) + size_t(ids != nullptr ? ids[i] : i) * dim;
  };
  const size_t ahead = groupRows * groupsAhead;
  for (size_t i = 0; i < (count < ahead ? count : ahead); i++) prefetchRow(rowAt(i), dim);
  size_t i = 0;
  for (; i + groupRows <= count; i += groupRows) {
    const size_t coming = i + ahead;
    for (size_t next = coming; next < coming + groupRows && next < count; next++)
      prefetchRow(rowAt(next), dim);
    const Row* const group[groupRows] = {rowAt(i), rowAt(i + 1), rowAt(i + 2), rowAt(i + 3)};
    rows<Op, groupRows>(query, group, dim, distances + i);
  }
  for (; i < count; i++) distances[i] = one<Op, Row>(query, rowAt(i), dim);
}

// Distances of Q queries to four rows; each part of a row is loaded once for all queries.
template <typename Op, size_t Q, typename Row>
inline void block(const float* queries, const Row* const* row, size_t dim, Simd::Four* distances) {
  constexpr size_t width = Simd::width;
  constexpr size_t R = groupRows;
  Simd::Vec even[Q][R];
  Simd::Vec odd[Q][R];
  for (size_t q = 0; q < Q; q++)
    for (size_t r = 0; r < R; r++) even[q][r] = odd[q][r] = Simd::zero();
  const auto step = [&](Simd::Vec(&sums)[Q][R], size_t i, const auto& load) {
    Simd::Vec query[Q];
    for (size_t q = 0; q < Q; q++) query[q] = load(queries + q * dim + i);
    for (size_t r = 0; r < R; r++) {
      const Simd::Vec part = load(row[r] + i);
      for (size_t q = 0; q < Q; q++) sums[q][r] = Op::step(query[q], part, sums[q][r]);
    }
  };
  const auto whole = [](const auto* at) { return Simd::load(at); };
  size_t i = 0;
  for (; i + 2 * width <= dim; i += 2 * width) {
    step(even, i, whole);
    step(odd, i + width, whole);
  }
  if (i + width <= dim) {
    step(even, i, whole);
    i += width;
  }
  if (i < dim) step(odd, i, [&](const auto* at) { return Simd::loadPart(at, dim - i); });
  for (size_t q = 0; q < Q; q++)
    distances[q] =
        Op::finish(Simd::sums(Simd::add(even[q][0], odd[q][0]), Simd::add(even[q][1], odd[q][1]),
                              Simd::add(even[q][2], odd[q][2]), Simd::add(even[q][3], odd[q][3])));
}

template <typename Op, size_t Q, typename Row>
inline void leastOf(const float* queries, const Row* base, size_t count, size_t dim, float* least) {
  Simd::Four best[Q];
  for (size_t q = 0; q < Q; q++) best[q] = Simd::fill(least[q]);
  for (size_t i = 0; i < count; i += groupRows) {
    // A last group of fewer than four rows repeats the last row.
    const auto rowAt = [&](size_t at) { return base + (at < count ? at : count - 1) * dim; };
    const Row* const group[groupRows] = {rowAt(i), rowAt(i + 1), rowAt(i + 2), rowAt(i + 3)};
    Simd::Four distances[Q];
    block<Op, Q>(queries, group, dim, distances);
    for (size_t q = 0; q < Q; q++) best[q] = Simd::lesser(distances[q], best[q]);
  }
  for (size_t q = 0; q < Q; q++) {
    float four[4];
    Simd::store(best[q], four);
    for (const float distance : four) least[q] = distance < least[q] ? distance : least[q];
    least[q] = bounded(least[q]);
  }
}

template <typename Op, typename Row>
void least(const float* queries, size_t queryCount, const void* rows, size_t count, size_t dim,
           float* least) {
  const Row* const base = static_cast<const Row*>(rows);
  size_t q = 0;
  for (; q + 2 <= queryCount; q += 2)
    leastOf<Op, 2>(queries + q * dim, base, count, dim, least + q);
  if (q < queryCount) leastOf<Op, 1>(queries + q * dim, base, count, dim, least + q);
}

template <typename Row> void widen(const void* row, size_t dim, float* floats) {
  constexpr size_t width = Simd::width;
  const Row* const from = static_cast<const Row*>(row);
  size_t i = 0;
  for (; i + width <= dim; i += width) Simd::store(Simd::load(from + i), floats + i);
  if (i == dim) return;
  float last[width];
  Simd::store(Simd::loadPart(from + i, dim - i), last);
  for (size_t at = 0; i + at < dim; at++) floats[i + at] = last[at];
}

template <typename Row> constexpr vicinal::RowKernels rowKernels() {
  return {{one<Dot, Row>, one<Dot, Row>, one<L2, Row>, one<L1, Row>},
          {many<Dot, Row>, many<Dot, Row>, many<L2, Row>, many<L1, Row>},
          {least<Dot, Row>, least<Dot, Row>, least<L2, Row>, least<L1, Row>},
          widen<Row>};
}

constexpr vicinal::Kernels kernelSet(vicinal::Isa isa, const char* name) {
  return {isa, name, rowKernels<float>(), rowKernels<Half>(), rowKernels<uint8_t>()};
}

} // namespace
