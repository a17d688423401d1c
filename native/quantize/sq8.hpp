// Scalar quantisation to 8 bits (SQ8): one byte a dimension, for finding candidates that are then
// scored exactly.
//
// A row has its own range, from its least to its greatest component. Component i is middle + scale
// × (code[i] - 128), up to half a scale. So rows need no training, an outlier costs only its own
// row precision, and a row can be made again from its vector alone.
//
// A distance compares two rows as decoded. The sums over codes are integers, so every instruction
// set gives the same bits. One of the two rows is in the query's form: signed codes, padded so that
// loads need no tail. The terms are arranged around the middles, so nothing large cancels for
// vectors far from the origin.
//
//    row       a code for each dimension · padding · Sq8Terms, in a multiple of 64 bytes
//
// A space may have a projection. Codes then hold a vector's components along fewer directions. The
// squared length of the rest is added to `squares`, since that is its mean effect on L2 distances.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "distance/metric.hpp"

namespace vicinal {

constexpr size_t kSq8Align = 64;
// The code of the middle of a row's range.
constexpr int kSq8ZeroCode = 128;

// The terms of a row beside its codes; c is code - 128.
struct Sq8Terms {
  float middle;
  float scale;
  float sum;     // of c: an integer
  float squares; // scale² × the sum of c², and the squared length outside the projection
};

// A vector to compare rows with. Its memory is reused from one vector to the next.
struct Sq8Query {
  // Code - 128 of each dimension, then zeros up to a multiple of kSq8Align. Aligned to kSq8Align.
  const int8_t* codes = nullptr;
  size_t bytes = 0;
  uint32_t dim = 0;
  int32_t sum = 0;
  Sq8Terms terms{};

private:
  friend class Sq8Space;
  std::vector<int8_t> memory_;
};

// Distances of `query` to rows of the array `rows`, which are `stride` bytes apart: to the rows
// `ids`, or to rows 0 to count - 1 if `ids` is null. Prefetches the rows to come.
using Sq8ManyFn = void (*)(const Sq8Query& query, const uint8_t* rows, size_t stride,
                           const uint32_t* ids, size_t count, float* distances);

// Writes a row of `stride` bytes: the codes of `dim` floats, and their terms.
using Sq8EncodeFn = void (*)(const float* vector, size_t dim, size_t stride, uint8_t* row);

class Projection;

// A metric with its kernel, dimensions and rows: the counterpart of Space for SQ8.
class Sq8Space {
public:
  Sq8Space() = default;
  // `firstRow` never changes (a Region), and `projection` outlives the space.
  Sq8Space(Metric metric, uint32_t dim, uint8_t* firstRow, const Projection* projection = nullptr);

  // L1 distances, and distances of few dimensions, are always computed from floats. With few
  // dimensions codes would save no memory and are too coarse to tell neighbours apart.
  static constexpr uint32_t kFewDimensions = 32;
  static bool supports(Metric metric, uint32_t dim) {
    return metric != Metric::L1 && dim > kFewDimensions;
  }
  // Bytes from one row of `codes` codes to the next.
  static uint32_t strideOf(uint32_t codes) {
    return uint32_t((codes + sizeof(Sq8Terms) + kSq8Align - 1) / kSq8Align * kSq8Align);
  }

  // True if the metric has no codes.
  bool isEmpty() const { return rows_ == nullptr; }
  Metric metric() const { return metric_; }
  // Codes in a row: the dimensions of a vector, or fewer with a projection.
  uint32_t codes() const { return codes_; }
  uint32_t stride() const { return stride_; }
  uint8_t* row(uint32_t id) const { return rows_ + size_t(id) * stride_; }

  // Writes the row of a vector.
  void encode(uint32_t id, const float* vector) const;
  // Converts a vector, or a row without loss, to the query's form.
  void prepare(const float* vector, Sq8Query& query) const;
  void prepare(uint32_t id, Sq8Query& query) const { prepareRow(row(id), query); }

  float distance(const Sq8Query& query, uint32_t id) const {
    float distance;
    manyFn_(query, rows_, stride_, &id, 1, &distance);
    return distance;
  }
  // Distances to the rows `ids`.
  void distances(const Sq8Query& query, const uint32_t* ids, size_t count, float* out) const {
    manyFn_(query, rows_, stride_, ids, count, out);
  }
  // Distances to `count` rows from `first` on.
  void scan(const Sq8Query& query, uint32_t first, size_t count, float* out) const {
    manyFn_(query, row(first), stride_, nullptr, count, out);
  }

private:
  void prepareRow(const uint8_t* row, Sq8Query& query) const;

  Metric metric_ = Metric::Cosine;
  uint32_t dim_ = 0;
  uint32_t codes_ = 0;
  uint32_t stride_ = 0;
  uint8_t* rows_ = nullptr;
  Sq8ManyFn manyFn_ = nullptr;
  Sq8EncodeFn encodeFn_ = nullptr;
  const Projection* projection_ = nullptr;
};

} // namespace vicinal
