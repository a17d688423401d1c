#pragma once

#include <algorithm>
#include <vector>

namespace vicinal {

// Of some values, which are put in another order; of none there is none.
inline float medianOf(std::vector<float>& values) {
  const auto middle = values.begin() + ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

} // namespace vicinal
