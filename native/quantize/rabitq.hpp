// RaBitQ codes of 1 and 4 bits a dimension, written from the papers: Gao and Long, "RaBitQ", SIGMOD
// 2024; Gao et al., "Practical and Asymptotically Optimal Quantization", SIGMOD 2025.
//
// A row's difference from the centre is rotated at random, so that its components are distributed
// alike whatever the data. The rotated difference is rounded to a grid of 2 or 16 points a
// dimension. The dot product of a query with the grid vector, times one factor per row, estimates
// the dot product with the row itself. The estimate is unbiased, and its standard error is known.
//
//    row   codes · padding · RabitqTerms, in a multiple of 32 bytes
//          4 bits: byte j holds component j in its low half and component j + half in its high one
//          1 bit: component j is bit j % 8 of byte j / 8
//
// A space may have a projection, as with SQ8. Codes then hold the components along its strongest
// directions, as many as fill whole cache lines. The squared length of the rest is added to L2
// distances, since that is its mean effect.
//
// Queries keep 8 bits a dimension. The sums are over integers, so every instruction set gives the
// same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "distance/metric.hpp"
#include "quantize/rotation.hpp"

namespace vicinal {

// Distance = query.add + add - factor × query.scale × (dot product of codes - query.middle).
struct RabitqTerms {
  float add;
  float factor;
  // Standard error of the distance for a query whose difference from the centre has length 1 (for
  // L2: half of it).
  float error;
};

// A vector to compare rows with. Its memory is reused from one vector to the next.
struct RabitqQuery {
  // One plane of signed codes for 1 bit, two planes for 4 bits (low halves, high halves). Each is
  // padded with zeros to `planeBytes`, a multiple of 64, and aligned to 64 bytes.
  const int8_t* codes = nullptr;
  size_t planeBytes = 0;
  float add = 0;
  float scale = 0;
  float middle = 0;
  // Factor of `RabitqTerms::error` for this query.
  float spread = 0;

private:
  friend class RabitqSpace;
  std::vector<int8_t> memory_;
};

// Like Sq8ManyFn.
using RabitqManyFn = void (*)(const RabitqQuery& query, const uint8_t* rows, size_t stride,
                              const uint32_t* ids, size_t count, float* distances);

class CodedDirections;
class Projection;

// Data that all rows of a space share.
struct RabitqModel {
  explicit RabitqModel(std::vector<float> centreOfRows);
  // The centre is the mean of `count` vectors. With a projection it is the mean of their
  // components, along as many directions as `worthCoding` gives for `bits`.
  static std::shared_ptr<const RabitqModel> train(const float* sample, size_t count, uint32_t dim,
                                                  const Projection* projection = nullptr,
                                                  uint32_t bits = 0);

  uint64_t bytes() const { return rotation.bytes() + 2 * centre.size() * sizeof(float); }

  Rotation rotation;
  std::vector<float> centre;
  std::vector<float> rotatedCentre;
  // Squared length of the centre.
  float centreSquares = 0;
};

class RabitqSpace {
public:
  RabitqSpace() = default;
  // `firstRow` never changes (a Region), and `projection` outlives the space. Metric::L1 is not
  // supported.
  RabitqSpace(Metric metric, uint32_t bits, uint8_t* firstRow,
              std::shared_ptr<const RabitqModel> model, const Projection* projection = nullptr);

  static uint32_t strideOf(uint32_t bits, uint32_t dim);
  // The greatest number of directions, up to `directions`, with codes that leave no cache line half
  // empty.
  static uint32_t worthCoding(uint32_t bits, uint32_t directions);

  uint32_t bits() const { return bits_; }
  uint32_t stride() const { return stride_; }
  uint8_t* row(uint32_t id) const { return rows_ + size_t(id) * stride_; }
  const std::shared_ptr<const RabitqModel>& model() const { return model_; }
  // Bytes besides rows, model and projection.
  uint64_t bytes() const;

  void encode(uint32_t id, const float* vector) const;
  void prepare(const float* vector, RabitqQuery& query) const;

  void distances(const RabitqQuery& query, const uint32_t* ids, size_t count, float* out) const {
    manyFn_(query, rows_, stride_, ids, count, out);
  }
  void scan(const RabitqQuery& query, uint32_t first, size_t count, float* out) const {
    manyFn_(query, row(first), stride_, nullptr, count, out);
  }
  // Standard error of the distance to a row.
  float errorOf(const RabitqQuery& query, uint32_t id) const {
    return termsOf(row(id))->error * query.spread;
  }

private:
  RabitqTerms* termsOf(uint8_t* row) const {
    return reinterpret_cast<RabitqTerms*>(row + stride_ - sizeof(RabitqTerms));
  }
  // A vector's rotated difference from the centre.
  struct Residual {
    const float* components = nullptr;
    float length = 0;
    // Dot product with the centre.
    float along = 0;
    // Squared length outside the projection.
    float left = 0;
  };
  Residual residualOf(const float* vector) const;
  // Like `residualOf`, with the precision of codes and the range of floats.
  Residual residualOfCodes(const float* vector) const;

  Metric metric_ = Metric::Cosine;
  uint32_t bits_ = 0;
  uint32_t dim_ = 0;
  uint32_t stride_ = 0;
  uint8_t* rows_ = nullptr;
  RabitqManyFn manyFn_ = nullptr;
  std::shared_ptr<const RabitqModel> model_;
  const Projection* projection_ = nullptr;
  // The directions with the rotation applied, for queries. Null without a projection.
  std::shared_ptr<const CodedDirections> turned_;
};

} // namespace vicinal
