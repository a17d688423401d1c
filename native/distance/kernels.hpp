// Distance kernels, one set per instruction set, chosen once at run time.
//
// Every set has the same functions; for one set, the same pair of vectors gives the same bits
// through each of them, so a vector has one score whether a graph or a scan found it. Vectors need
// no alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "distance/datatype.hpp"
#include "distance/metric.hpp"

namespace vicinal {

// A query is of floats; rows are of the type that their set of functions is for, and are compared
// with the bits that they would have as floats.

// Distance of a vector of `dim` floats to a row.
using DistanceFn = float (*)(const float* query, const void* row, size_t dim);

// Distances of `query` to `count` rows of the array `base`, whose rows follow each other: row
// ids[i] is the ids[i]-th. Rows ahead are prefetched. With `ids` null the rows are 0 to count - 1.
using DistanceManyFn = void (*)(const float* query, const void* base, const uint32_t* ids,
                                size_t count, size_t dim, float* distances);

// For each of `queryCount` vectors that follow each other, the least of its distances to `count`
// rows that follow each other, or what `least` has of it before, if that is less.
using LeastFn = void (*)(const float* queries, size_t queryCount, const void* rows, size_t count,
                         size_t dim, float* least);

// A row as floats.
using WidenFn = void (*)(const void* row, size_t dim, float* floats);

enum class Isa : uint8_t { Scalar, Neon, Avx2, Avx512 };

// For rows of one type.
struct RowKernels {
  // Indexed by Metric.
  DistanceFn distance[4];
  DistanceManyFn distanceMany[4];
  LeastFn least[4];
  WidenFn widen;
};

struct Kernels {
  Isa isa;
  const char* name; // 'scalar', 'neon', 'avx2', 'avx512'
  RowKernels floats;
  RowKernels halves;
  RowKernels bytes;

  const RowKernels& of(Datatype datatype) const {
    return datatype == Datatype::Float32 ? floats : datatype == Datatype::Float16 ? halves : bytes;
  }
};

// The best set this processor runs, or a lower one that the environment variable VICINAL_ISA names
// (scalar, neon, avx2, avx512; one the processor lacks is ignored). Decided at the first call.
const Kernels& kernels();

// The set of one instruction set, or null where this build or processor lacks it.
const Kernels* kernelsFor(Isa isa);

// A metric with its functions, dimension and rows: what graphs and scans hold.
struct Space {
  Metric metric = Metric::Cosine;
  Datatype datatype = Datatype::Float32;
  uint32_t dim = 0;
  uint32_t rowBytes = 0;
  // First row; rows follow each other without gap, and the pointer never changes (a Region).
  const std::byte* rows = nullptr;
  // Of a space of some of another's rows: which of them each one is. Null: all of them.
  const uint32_t* places = nullptr;
  DistanceFn distanceFn = nullptr;
  DistanceManyFn manyFn = nullptr;
  LeastFn leastFn = nullptr;
  WidenFn widenFn = nullptr;

  Space() = default;
  Space(Metric metricOfRows, uint32_t dimensions, const void* firstRow,
        Datatype datatypeOfRows = Datatype::Float32);

  const void* row(uint32_t id) const {
    return rows + size_t(places == nullptr ? id : places[id]) * rowBytes;
  }
  // Its `dim` components as floats.
  void load(uint32_t id, float* floats) const { widenFn(row(id), dim, floats); }
  float distance(const float* query, uint32_t id) const { return distanceFn(query, row(id), dim); }
  // Distances to the rows `ids`.
  void distances(const float* query, const uint32_t* ids, size_t count, float* out) const {
    if (places == nullptr) return manyFn(query, rows, ids, count, dim, out);
    distancesToPlaces(query, ids, count, out);
  }
  // Distances to `count` rows from `first` on.
  void scan(const float* query, uint32_t first, size_t count, float* out) const {
    if (places == nullptr) return manyFn(query, row(first), nullptr, count, dim, out);
    manyFn(query, rows, places + first, count, dim, out);
  }
  // The least distance of each of some vectors to `count` rows from `first` on. Not of a space of
  // another's rows.
  void least(const float* queries, size_t queryCount, uint32_t first, size_t count,
             float* out) const {
    leastFn(queries, queryCount, row(first), count, dim, out);
  }

private:
  void distancesToPlaces(const float* query, const uint32_t* ids, size_t count, float* out) const;
};

// One row at a time as floats: in its place where it is of floats, else copied.
class RowFloats {
public:
  const float* of(const Space& space, uint32_t id);

private:
  std::vector<float> copy_;
};

} // namespace vicinal
