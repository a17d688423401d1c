// A projection to fewer dimensions for codes. Its directions are those in which the vectors of a
// space differ most: the principal components without centring. Not centring keeps the meaning of
// dot products and lengths.
//
// Embeddings of hundreds of dimensions have most of their length in about a hundred directions.
// Codes of these components are much shorter, and a graph search waits mostly for bytes. The length
// outside the directions counts as noise, like rounding; the rerank by whole vectors corrects it.
#pragma once

#include <memory>
#include <vector>

#include "distance/kernels.hpp"
#include "quantize/sq8.hpp"

namespace vicinal {

// The directions as codes. They give a query's components several times faster than floats, with
// the precision of codes.
class CodedDirections {
public:
  CodedDirections(const std::vector<float>& directions, uint32_t dim);
  CodedDirections(const CodedDirections&) = delete;
  CodedDirections& operator=(const CodedDirections&) = delete;

  // Like Projection::apply.
  float apply(const float* vector, float* components) const;
  uint64_t bytes() const { return memory_.size(); }

private:
  uint32_t dim_;
  uint32_t count_;
  std::vector<uint8_t> memory_;
  Sq8Space codes_;
};

class Projection {
public:
  // Learns from a sample of `count` vectors of `dim` floats. The number of directions fills whole
  // cache lines of codes and is at most half of `dim`. Null if no such number keeps kLeastEnergy of
  // the sample's squared length about its mean.
  static std::shared_ptr<const Projection> train(const float* sample, size_t count, uint32_t dim);
  // Takes directions in the form that `directions()` returns.
  static std::shared_ptr<const Projection> from(std::vector<float> directions, uint32_t dim);

  // The least share of the squared length about the mean that the projected sample must keep.
  static constexpr double kLeastEnergy = 0.85;
  // The least sample that is enough to learn the directions.
  static constexpr uint32_t kLeastSample = 4096;
  // Learning takes memory by the square of the dimensions (64 MiB at this bound) and time by the
  // cube.
  static constexpr uint32_t kMostDims = 4096;
  // Whether vectors of `dim` dimensions can be projected at all.
  static bool canReduce(uint32_t dim);

  uint32_t dim() const { return dim_; }
  uint32_t reducedDim() const { return reducedDim_; }
  // reducedDim × dim floats: orthonormal rows.
  const std::vector<float>& directions() const { return directions_; }
  // Counts the directions as floats and as codes.
  uint64_t bytes() const { return directions_.size() * sizeof(float) + coded_.bytes(); }

  // Computes the components of a vector along the directions. Returns the squared length of the
  // rest.
  float apply(const float* vector, float* components) const;
  // Like `apply`, with codes of vector and directions.
  float applyFast(const float* vector, float* components) const {
    return coded_.apply(vector, components);
  }
  // The share of the squared length about the mean that the components of `count` vectors keep.
  double energyOf(const float* vectors, size_t count) const;

private:
  Projection(std::vector<float> directions, uint32_t dim);

  uint32_t dim_;
  uint32_t reducedDim_;
  std::vector<float> directions_;
  Space space_; // over the directions, by dot product
  CodedDirections coded_;
};

} // namespace vicinal
