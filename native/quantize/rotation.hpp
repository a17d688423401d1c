// A random rotation of vectors, the same for everyone who asks with the same dimension: signs and
// Hadamard transforms in turn, so that it takes dim × log(dim) steps and no memory to speak of.
//
// A transform needs a power of two, so it runs over the largest window that fits, at the front and
// at the back in turn; every component then depends on every other. (As in the RaBitQ library of
// Gao et al., whose windows are joined by a Kac walk instead.)
#pragma once

#include <cstdint>
#include <vector>

namespace vicinal {

class Rotation {
public:
  explicit Rotation(uint32_t dim);

  uint32_t dim() const { return dim_; }
  uint64_t bytes() const { return signs_.size() * sizeof(float); }
  // Rotates `dim` floats in place. Lengths and angles are kept but for rounding.
  void apply(float* vector) const;

private:
  uint32_t dim_;
  uint32_t window_ = 1;
  // kRounds × dim: plus or minus one, within the window divided by the root of its length.
  std::vector<float> signs_;
};

} // namespace vicinal
