// Distance kernels: one set of functions for each instruction set, chosen once at run time.
//
// Within one set, every function gives the same bits for the same pair of vectors. A vector
// therefore has the same score whether a graph walk or a scan found it. Vectors need no alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "distance/datatype.hpp"
#include "distance/metric.hpp"

namespace vicinal {

// Queries are floats. Rows have the type that their set of functions is for; they give the same
// bits as rows of the same floats.

// Distance between a query of `dim` floats and a row.
using DistanceFn = float (*)(const float* query, const void* row, size_t dim);

// Distances of `query` to `count` rows of the contiguous array `base`: to the rows `ids`, or to
// rows 0 to count - 1 if `ids` is null. Prefetches the rows to come.
using DistanceManyFn = void (*)(const float* query, const void* base, const uint32_t* ids,
                                size_t count, size_t dim, float* distances);

// Lowers `least[i]` to the least distance between query i and `count` rows, if that is less. Both
// the `queryCount` queries and the rows are contiguous.
using LeastFn = void (*)(const float* queries, size_t queryCount, const void* rows, size_t count,
                         size_t dim, float* least);

// Converts a row to floats.
using WidenFn = void (*)(const void* row, size_t dim, float* floats);

enum class Isa : uint8_t { Scalar, Neon, Avx2, Avx512 };

// The functions for rows of one type.
struct RowKernels {
  // Arrays are indexed by Metric.
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

// The best set that this processor runs. The environment variable VICINAL_ISA (scalar, neon, avx2,
// avx512) may name a lower one; a set that the processor lacks is ignored. Decided at the first
// call.
const Kernels& kernels();

// The set of one instruction set; null if this build or processor lacks it.
const Kernels* kernelsFor(Isa isa);

// A metric with its functions, dimension and rows, as graphs and scans use it.
struct Space {
  Metric metric = Metric::Cosine;
  Datatype datatype = Datatype::Float32;
  uint32_t dim = 0;
  uint32_t rowBytes = 0;
  // The first row. Rows are contiguous, and the pointer never changes (a Region).
  const std::byte* rows = nullptr;
  // For a space over a subset of another space's rows: the row number of each. Null: all rows.
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
  // Converts a row's `dim` components to floats.
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
  // Lowers `out[i]` to the least distance between vector i and `count` rows from `first` on. Not
  // for a space over a subset of rows.
  void least(const float* queries, size_t queryCount, uint32_t first, size_t count,
             float* out) const {
    leastFn(queries, queryCount, row(first), count, dim, out);
  }

private:
  void distancesToPlaces(const float* query, const uint32_t* ids, size_t count, float* out) const;
};

// One row at a time as floats: the row itself if it is stored as floats, else a copy.
class RowFloats {
public:
  const float* of(const Space& space, uint32_t id);

private:
  std::vector<float> copy_;
};

} // namespace vicinal
