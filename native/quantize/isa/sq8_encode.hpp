// Writes a vector as a row of SQ8. Included only within the file of each instruction set. It is
// plain arithmetic in a fixed order, so all sets write the same bytes.
#pragma once

#include <cfloat>
#include <cstring>

#include "quantize/sq8.hpp"

namespace {

struct Range {
  float low;
  float high;
};

// Works in lanes, because a single chain of minima would wait for each one. Vectors of 16 bytes
// exist in all instruction sets.
inline Range rangeOf(const float* vector, size_t dim) {
  typedef float Lanes __attribute__((vector_size(16)));
  constexpr size_t kLanes = 4;
  constexpr size_t kParts = 4;
  Lanes lows[kParts];
  Lanes highs[kParts];
  for (size_t part = 0; part < kParts; part++) lows[part] = highs[part] = vector[0] - Lanes{};
  size_t i = 0;
  for (; i + kParts * kLanes <= dim; i += kParts * kLanes)
    for (size_t part = 0; part < kParts; part++) {
      Lanes values;
      std::memcpy(&values, vector + i + part * kLanes, sizeof values);
      lows[part] = values < lows[part] ? values : lows[part];
      highs[part] = values > highs[part] ? values : highs[part];
    }
  Range range{vector[0], vector[0]};
  const auto take = [&](float low, float high) {
    range.low = low < range.low ? low : range.low;
    range.high = high > range.high ? high : range.high;
  };
  for (; i < dim; i++) take(vector[i], vector[i]);
  for (size_t part = 0; part < kParts; part++)
    for (size_t lane = 0; lane < kLanes; lane++) take(lows[part][lane], highs[part][lane]);
  return range;
}

void encodeRow(const float* vector, size_t dim, size_t stride, uint8_t* row) {
  constexpr float kSteps = 255;
  const auto [low, high] = rangeOf(vector, dim);
  // Both are divided first, because the difference of two finite floats may overflow.
  float scale = high / kSteps - low / kSteps;
  // A range of zero width, or one too small to divide by, is stored as its middle alone.
  const float inverse = scale > FLT_MIN ? 1 / scale : 0;
  if (inverse == 0) scale = 0;
  // These cannot overflow: a square is at most 2^14, and there are at most 2^16 dimensions.
  int32_t sum = 0;
  int32_t squares = 0;
  for (size_t i = 0; i < dim; i++) {
    // The step is bounded while still a float, because in the widest rows the difference is
    // infinite.
    const float step = (vector[i] - low) * inverse + 0.5f;
    const auto code = static_cast<int32_t>(step < kSteps ? step : kSteps);
    row[i] = static_cast<uint8_t>(code);
    sum += code - vicinal::kSq8ZeroCode;
    squares += (code - vicinal::kSq8ZeroCode) * (code - vicinal::kSq8ZeroCode);
  }
  std::memset(row + dim, 0, stride - dim);
  auto& terms = *reinterpret_cast<vicinal::Sq8Terms*>(row + stride - sizeof(vicinal::Sq8Terms));
  terms = {low + vicinal::kSq8ZeroCode * scale, scale, static_cast<float>(sum),
           scale * scale * static_cast<float>(squares)};
}

} // namespace
