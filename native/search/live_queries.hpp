// Recent query vectors of callers, as samples for calibration.
#pragma once

#include <vector>

namespace vicinal {

struct LiveQueries {
  std::vector<std::vector<float>> vectors;
};

} // namespace vicinal
