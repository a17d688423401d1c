// Vectors that callers asked for lately, as samples to calibrate on.
#pragma once

#include <vector>

namespace vicinal {

struct LiveQueries {
  std::vector<std::vector<float>> vectors;
};

} // namespace vicinal
