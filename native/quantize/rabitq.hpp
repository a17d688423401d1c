// RaBitQ codes of 1 and 4 bits a dimension (Gao and Long, "RaBitQ", SIGMOD 2024; Gao et al.,
// "Practical and Asymptotically Optimal Quantization", SIGMOD 2025), written from the papers.
//
// A vector's difference from the centre is rotated at random, so that its components look like
// those of any other, and rounded to a grid of 2 or 16 points a dimension. The dot product of a
// query with the grid's vector, stretched by one factor a row, is an unbiased estimate of that with
// the vector itself, whatever the data; how far it may be off is known too.
//
//   row   codes · padding · RabitqTerms, in a multiple of 32 bytes
//         4 bits: byte j holds component j in its low half and component j + half in its high one
//         1 bit: component j is bit j % 8 of byte j / 8
//
// A space may have a projection, as those of SQ8 may: codes are then of the components along its
// strongest directions, as many as end with a cache line, and the squared length of what is left
// adds to L2 distances, which is what it adds on average.
//
// Queries keep 8 bits a dimension. What is added up are integers, so every instruction set gives
// the same bits.
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
  // Standard error of the distance for a query whose difference from the centre is 1 long (L2:
  // half of it).
  float error;
};

// A vector to compare rows with. Its memory is reused from one vector to the next.
struct RabitqQuery {
  // One plane of signed codes for 1 bit, two for 4 bits (low halves, high halves); each padded with
  // zeros to `planeBytes`, a multiple of 64, and aligned to it.
  const int8_t* codes = nullptr;
  size_t planeBytes = 0;
  float add = 0;
  float scale = 0;
  float middle = 0;
  // What `RabitqTerms::error` is multiplied by.
  float spread = 0;

private:
  friend class RabitqSpace;
  std::vector<int8_t> memory_;
};

// As Sq8ManyFn.
using RabitqManyFn = void (*)(const RabitqQuery& query, const uint8_t* rows, size_t stride,
                              const uint32_t* ids, size_t count, float* distances);

class CodedDirections;
class Projection;

// What all rows of a space share.
struct RabitqModel {
  explicit RabitqModel(std::vector<float> centreOfRows);
  // Centred at the mean of `count` vectors. With a projection, of their components along so many of
  // its directions as codes of `bits` are worth.
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
  // `firstRow` never changes (a Region), and `projection` outlives the space. Not of Metric::L1.
  RabitqSpace(Metric metric, uint32_t bits, uint8_t* firstRow,
              std::shared_ptr<const RabitqModel> model, const Projection* projection = nullptr);

  static uint32_t strideOf(uint32_t bits, uint32_t dim);
  // Of so many directions there are, those whose codes leave no cache line half empty.
  static uint32_t worthCoding(uint32_t bits, uint32_t directions);

  uint32_t bits() const { return bits_; }
  uint32_t stride() const { return stride_; }
  uint8_t* row(uint32_t id) const { return rows_ + size_t(id) * stride_; }
  const std::shared_ptr<const RabitqModel>& model() const { return model_; }
  // Beside rows, model and projection.
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
    // Squared length that a projection left out.
    float left = 0;
  };
  Residual residualOf(const float* vector) const;
  // The same as exact as codes are, and as floats reach.
  Residual residualOfCodes(const float* vector) const;

  Metric metric_ = Metric::Cosine;
  uint32_t bits_ = 0;
  uint32_t dim_ = 0;
  uint32_t stride_ = 0;
  uint8_t* rows_ = nullptr;
  RabitqManyFn manyFn_ = nullptr;
  std::shared_ptr<const RabitqModel> model_;
  const Projection* projection_ = nullptr;
  // Directions that are rotated already: what queries take. Null where there is no projection.
  std::shared_ptr<const CodedDirections> turned_;
};

} // namespace vicinal
