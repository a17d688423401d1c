// A random rotation of vectors, always the same for one dimension. It applies random signs and
// Hadamard transforms in turn, so it takes dim × log(dim) steps and hardly any memory.
//
// A Hadamard transform needs a power of two. It runs over the largest window that fits, at the
// front and at the back in turn, so every component then depends on every other. (The RaBitQ
// library of Gao et al. does the same, but joins the windows by a Kac walk.)
#pragma once

#include <cstdint>
#include <vector>

namespace vicinal {

class Rotation {
public:
  explicit Rotation(uint32_t dim);

  uint32_t dim() const { return dim_; }
  uint64_t bytes() const { return signs_.size() * sizeof(float); }
  // Rotates `dim` floats in place. Lengths and angles stay the same up to rounding.
  void apply(float* vector) const;

private:
  uint32_t dim_;
  uint32_t window_ = 1;
  // kRounds × dim signs; within the window they are divided by the square root of its length.
  std::vector<float> signs_;
};

} // namespace vicinal
