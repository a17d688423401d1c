// Rows for data sets of any size: the vectors of a file, then means of random pairs of them with a
// little noise. Each row is made from its number alone, so none need be kept.
#pragma once

#include <cmath>

#include "matrix.hpp"

class PairMixtures {
public:
  // `words` are of unit length, and so is every row.
  explicit PairMixtures(const Matrix<float>& words) : words_(words) {}

  void row(uint64_t at, float* out) const {
    const auto dim = size_t(words_.dim);
    if (at < uint64_t(words_.count)) {
      std::copy_n(words_.row(at), dim, out);
      return;
    }
    uint64_t state = at * 0x9e3779b97f4a7c15;
    const float* const a = words_.row(next(state) % uint64_t(words_.count));
    const float* const b = words_.row(next(state) % uint64_t(words_.count));
    float square = 0;
    const float noise = kNoise / std::sqrt(float(dim));
    for (size_t i = 0; i < dim; i++) {
      out[i] = (a[i] + b[i]) / 2 + noise * gaussian(state);
      square += out[i] * out[i];
    }
    const float scale = 1 / std::sqrt(square);
    for (size_t i = 0; i < dim; i++) out[i] *= scale;
  }

  // Of the same kind as the first `count` rows, and none of them: held-out words in their share,
  // mixtures for the rest.
  Matrix<float> queries(const Matrix<float>& heldOut, uint64_t count, size_t wanted) const {
    Matrix<float> made{int32_t(wanted), words_.dim,
                       std::vector<float>(wanted * size_t(words_.dim))};
    const uint64_t words = std::min(uint64_t(words_.count), count);
    const auto ofWords = std::min(size_t(heldOut.count), size_t(wanted * words / count));
    for (size_t at = 0; at < wanted; at++) {
      if (at < ofWords)
        std::copy_n(heldOut.row(at), size_t(words_.dim), made.row(at));
      else
        row(kBeyond + at, made.row(at));
    }
    return made;
  }

private:
  static constexpr float kNoise = 0.1f;
  // No data set has so many rows.
  static constexpr uint64_t kBeyond = uint64_t(1) << 40;

  static uint64_t next(uint64_t& state) {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Near enough: the sum of four uniform numbers.
  static float gaussian(uint64_t& state) {
    const uint64_t bits = next(state);
    float sum = 0;
    for (int i = 0; i < 4; i++) sum += float((bits >> (16 * i)) & 0xffff) / 65536.0f - 0.5f;
    return sum * 1.7320508f;
  }

  const Matrix<float>& words_;
};
