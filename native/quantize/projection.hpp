// Fewer dimensions for codes: the directions in which the vectors of a space differ most, their
// principal components without centring, so that dot products and lengths keep their meaning.
//
// Embeddings of hundreds of dimensions have most of their length in some hundred of these; codes of
// them are a fraction of the bytes, and bytes are what a graph search waits for. What is left out
// counts as noise, as rounding does: the vectors have the last word.
#pragma once

#include <memory>
#include <vector>

#include "distance/kernels.hpp"
#include "quantize/sq8.hpp"

namespace vicinal {

// Directions as codes: what it takes to find the components of a query, some times faster than with
// floats, and as exact as codes are.
class CodedDirections {
public:
  CodedDirections(const std::vector<float>& directions, uint32_t dim);
  CodedDirections(const CodedDirections&) = delete;
  CodedDirections& operator=(const CodedDirections&) = delete;

  // As Projection::apply.
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
  // From a sample of `count` vectors of `dim` floats. Null where no number of dimensions that fits
  // whole cache lines, at most half of them, holds kLeastEnergy of the sample's squared length
  // about its mean.
  static std::shared_ptr<const Projection> train(const float* sample, size_t count, uint32_t dim);
  // From directions as `directions()` gives them.
  static std::shared_ptr<const Projection> from(std::vector<float> directions, uint32_t dim);

  // Share of the squared length about its mean that the projected sample must keep.
  static constexpr double kLeastEnergy = 0.85;
  // Vectors it takes to know the directions.
  static constexpr uint32_t kLeastSample = 4096;
  // To learn them takes memory by the square of the dimensions, 64 MiB here, and time by its cube.
  static constexpr uint32_t kMostDims = 4096;
  // Whether vectors of so many dimensions can be projected at all.
  static bool canReduce(uint32_t dim);

  uint32_t dim() const { return dim_; }
  uint32_t reducedDim() const { return reducedDim_; }
  // reducedDim × dim floats: orthonormal rows.
  const std::vector<float>& directions() const { return directions_; }
  // They are kept as floats and as codes.
  uint64_t bytes() const { return directions_.size() * sizeof(float) + coded_.bytes(); }

  // The components of a vector along the directions; returns the squared length of what is left.
  float apply(const float* vector, float* components) const;
  // The same through codes of vector and directions.
  float applyFast(const float* vector, float* components) const {
    return coded_.apply(vector, components);
  }
  // Share of the squared length of `count` vectors about their mean that their components keep.
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
