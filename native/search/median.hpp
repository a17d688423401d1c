#pragma once

#include <algorithm>
#include <vector>

namespace vicinal {

// The median; reorders the values. There must be at least one.
inline float medianOf(std::vector<float>& values) {
  const auto middle = values.begin() + ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

} // namespace vicinal
