// The loops all instruction sets share. Each file of this folder includes this once, after defining
//
//   struct Simd { Vec; width; zero, load, loadPart (n < width components, the rest zero), both of
//   floats, halves and bytes; leading, joined (of split rows: `width` components, from a pair of
//   words on for each); add, dot, l2, l1, sum; Four, fill, negated, lesser (the second where the
//   first is NaN), store (of Vec and Four), sums (of four Vec, each added up in the order of `sum`)
//   }
//
// in an unnamed namespace: what is compiled here for one instruction set must not be linked into
// another's code.
//
// One pair and many rows follow the same order of additions (two accumulators, then their sum), so
// they give the same bits. Rows of halves and bytes become floats as they are loaded, and those
// that are split floats again, so they give the bits of rows of the same floats.

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

// The comparisons are written so that NaN becomes the greatest float.
inline float bounded(float distance) {
  const float low = distance < FLT_MAX ? distance : FLT_MAX;
  return low > -FLT_MAX ? low : -FLT_MAX;
}

// The hardware follows a row by itself once its first lines came.
constexpr size_t lineBytes = 64;
constexpr size_t prefetchedLines = 16;

inline void prefetchLines(const void* from, size_t bytes) {
  const char* const first = static_cast<const char*>(from);
  const size_t end = bytes < prefetchedLines * lineBytes ? bytes : prefetchedLines * lineBytes;
  for (size_t at = 0; at < end; at += lineBytes) __builtin_prefetch(first + at);
  __builtin_prefetch(first + end - 1); // rows do not start at the start of a line
}

// How rows lie in memory. `load` gives `width` components from the i-th on.
template <typename Component> struct Plain {
  using Row = const Component*;
  static Row at(const void* base, size_t row, size_t dim) {
    return static_cast<Row>(base) + row * dim;
  }
  static Simd::Vec load(Row row, size_t i, size_t) { return Simd::load(row + i); }
  static Simd::Vec loadPart(Row row, size_t i, size_t n) { return Simd::loadPart(row + i, n); }
  static void prefetch(Row row, size_t dim) { prefetchLines(row, dim * sizeof(Component)); }
};

// Of split rows (datatype.hpp). There are no parts of vectors: whole blocks are their dimensions.
struct SplitRows {
  using Row = const uint16_t*;
  static Row at(const void* base, size_t row, size_t dim) {
    return static_cast<Row>(base) + row * 2 * dim;
  }
  static size_t wordOf(size_t i) { return i - i % vicinal::kSplitBlock + i % kHalf * 2; }
  static bool isUpper(size_t i) { return i % vicinal::kSplitBlock >= kHalf; }
  static Simd::Vec loadPart(Row, size_t, size_t) { return Simd::zero(); }

private:
  static constexpr size_t kHalf = vicinal::kSplitBlock / 2;
};
// Both planes, which are the floats.
struct Joined : SplitRows {
  static Simd::Vec load(Row row, size_t i, size_t dim) {
    return Simd::joined(row + wordOf(i), row + dim + wordOf(i), isUpper(i));
  }
  static void prefetch(Row row, size_t dim) {
    prefetchLines(row, dim * sizeof *row);
    prefetchLines(row + dim, dim * sizeof *row);
  }
};
// The first alone, which is nearly them.
struct Leading : SplitRows {
  static Simd::Vec load(Row row, size_t i, size_t) {
    return Simd::leading(row + wordOf(i), isUpper(i));
  }
  static void prefetch(Row row, size_t dim) { prefetchLines(row, dim * sizeof *row); }
};

// Distances of one query to R rows, which share its loads.
template <typename Op, size_t R, typename Rows>
inline void rows(const float* query, const typename Rows::Row* row, size_t dim, float* distances) {
  constexpr size_t width = Simd::width;
  Simd::Vec even[R];
  Simd::Vec odd[R];
  for (size_t r = 0; r < R; r++) even[r] = odd[r] = Simd::zero();
  size_t i = 0;
  for (; i + 2 * width <= dim; i += 2 * width) {
    const Simd::Vec first = Simd::load(query + i);
    const Simd::Vec second = Simd::load(query + i + width);
    for (size_t r = 0; r < R; r++) {
      even[r] = Op::step(first, Rows::load(row[r], i, dim), even[r]);
      odd[r] = Op::step(second, Rows::load(row[r], i + width, dim), odd[r]);
    }
  }
  if (i + width <= dim) {
    const Simd::Vec part = Simd::load(query + i);
    for (size_t r = 0; r < R; r++) even[r] = Op::step(part, Rows::load(row[r], i, dim), even[r]);
    i += width;
  }
  if (i < dim) {
    const Simd::Vec part = Simd::loadPart(query + i, dim - i);
    for (size_t r = 0; r < R; r++)
      odd[r] = Op::step(part, Rows::loadPart(row[r], i, dim - i), odd[r]);
  }
  for (size_t r = 0; r < R; r++)
    distances[r] = bounded(Op::finish(Simd::sum(Simd::add(even[r], odd[r]))));
}

template <typename Op, typename Rows> float one(const float* query, const void* row, size_t dim) {
  const typename Rows::Row only = Rows::at(row, 0, dim);
  float distance;
  rows<Op, 1, Rows>(query, &only, dim, &distance);
  return distance;
}

constexpr size_t groupRows = 4;
constexpr size_t groupsAhead = 2;

template <typename Op, typename Rows>
void many(const float* query, const void* base, const uint32_t* ids, size_t count, size_t dim,
          float* distances) {
  const auto rowAt = [&](size_t i) { return Rows::at(base, ids != nullptr ? ids[i] : i, dim); };
  const size_t ahead = groupRows * groupsAhead;
  for (size_t i = 0; i < (count < ahead ? count : ahead); i++) Rows::prefetch(rowAt(i), dim);
  size_t i = 0;
  for (; i + groupRows <= count; i += groupRows) {
    const size_t coming = i + ahead;
    for (size_t next = coming; next < coming + groupRows && next < count; next++)
      Rows::prefetch(rowAt(next), dim);
    const typename Rows::Row group[groupRows] = {rowAt(i), rowAt(i + 1), rowAt(i + 2),
                                                 rowAt(i + 3)};
    rows<Op, groupRows, Rows>(query, group, dim, distances + i);
  }
  for (; i < count; i++) {
    const typename Rows::Row only = rowAt(i);
    rows<Op, 1, Rows>(query, &only, dim, distances + i);
  }
}

// Distances of Q queries to four rows, which share their loads.
template <typename Op, size_t Q, typename Rows>
inline void block(const float* queries, const typename Rows::Row* row, size_t dim,
                  Simd::Four* distances) {
  constexpr size_t width = Simd::width;
  constexpr size_t R = groupRows;
  Simd::Vec even[Q][R];
  Simd::Vec odd[Q][R];
  for (size_t q = 0; q < Q; q++)
    for (size_t r = 0; r < R; r++) even[q][r] = odd[q][r] = Simd::zero();
  const auto step = [&](Simd::Vec(&sums)[Q][R], const auto& ofQuery, const auto& ofRow) {
    Simd::Vec query[Q];
    for (size_t q = 0; q < Q; q++) query[q] = ofQuery(queries + q * dim);
    for (size_t r = 0; r < R; r++) {
      const Simd::Vec part = ofRow(row[r]);
      for (size_t q = 0; q < Q; q++) sums[q][r] = Op::step(query[q], part, sums[q][r]);
    }
  };
  const auto whole = [&](Simd::Vec(&sums)[Q][R], size_t i) {
    step(
        sums, [&](const float* query) { return Simd::load(query + i); },
        [&](typename Rows::Row of) { return Rows::load(of, i, dim); });
  };
  size_t i = 0;
  for (; i + 2 * width <= dim; i += 2 * width) {
    whole(even, i);
    whole(odd, i + width);
  }
  if (i + width <= dim) {
    whole(even, i);
    i += width;
  }
  if (i < dim)
    step(
        odd, [&](const float* query) { return Simd::loadPart(query + i, dim - i); },
        [&](typename Rows::Row of) { return Rows::loadPart(of, i, dim - i); });
  for (size_t q = 0; q < Q; q++)
    distances[q] =
        Op::finish(Simd::sums(Simd::add(even[q][0], odd[q][0]), Simd::add(even[q][1], odd[q][1]),
                              Simd::add(even[q][2], odd[q][2]), Simd::add(even[q][3], odd[q][3])));
}

template <typename Op, size_t Q, typename Rows>
inline void leastOf(const float* queries, const void* base, size_t count, size_t dim,
                    float* least) {
  Simd::Four best[Q];
  for (size_t q = 0; q < Q; q++) best[q] = Simd::fill(least[q]);
  for (size_t i = 0; i < count; i += groupRows) {
    // The last row again, where there are no four.
    const auto rowAt = [&](size_t at) { return Rows::at(base, at < count ? at : count - 1, dim); };
    const typename Rows::Row group[groupRows] = {rowAt(i), rowAt(i + 1), rowAt(i + 2),
                                                 rowAt(i + 3)};
    Simd::Four distances[Q];
    block<Op, Q, Rows>(queries, group, dim, distances);
    for (size_t q = 0; q < Q; q++) best[q] = Simd::lesser(distances[q], best[q]);
  }
  for (size_t q = 0; q < Q; q++) {
    float four[4];
    Simd::store(best[q], four);
    for (const float distance : four) least[q] = distance < least[q] ? distance : least[q];
    least[q] = bounded(least[q]);
  }
}

template <typename Op, typename Rows>
void least(const float* queries, size_t queryCount, const void* rows, size_t count, size_t dim,
           float* least) {
  size_t q = 0;
  for (; q + 2 <= queryCount; q += 2)
    leastOf<Op, 2, Rows>(queries + q * dim, rows, count, dim, least + q);
  if (q < queryCount) leastOf<Op, 1, Rows>(queries + q * dim, rows, count, dim, least + q);
}

template <typename Rows> void widen(const void* row, size_t dim, float* floats) {
  constexpr size_t width = Simd::width;
  const typename Rows::Row from = Rows::at(row, 0, dim);
  size_t i = 0;
  for (; i + width <= dim; i += width) Simd::store(Rows::load(from, i, dim), floats + i);
  if (i == dim) return;
  float last[width];
  Simd::store(Rows::loadPart(from, i, dim - i), last);
  for (size_t at = 0; i + at < dim; at++) floats[i + at] = last[at];
}

template <typename Rows> constexpr vicinal::RowKernels rowKernels() {
  return {{one<Dot, Rows>, one<Dot, Rows>, one<L2, Rows>, one<L1, Rows>},
          {many<Dot, Rows>, many<Dot, Rows>, many<L2, Rows>, many<L1, Rows>},
          {least<Dot, Rows>, least<Dot, Rows>, least<L2, Rows>, least<L1, Rows>},
          widen<Rows>};
}

constexpr vicinal::Kernels kernelSet(vicinal::Isa isa, const char* name) {
  return {isa,
          name,
          rowKernels<Plain<float>>(),
          rowKernels<Plain<Half>>(),
          rowKernels<Plain<uint8_t>>(),
          rowKernels<Joined>(),
          {many<Dot, Leading>, many<Dot, Leading>, many<L2, Leading>, many<L1, Leading>}};
}

} // namespace
