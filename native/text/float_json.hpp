// Writes vectors of an answer as JSON. In JavaScript each component is a double that must be
// rounded to the few digits that a float needs, which takes half a microsecond.
#pragma once

#include <cstddef>

namespace vicinal {

// The longest text of one component, with its comma.
inline constexpr size_t kMostFloatLetters = 24;

// Writes the components with commas between them, without brackets. Each has the fewest digits that
// give back the same float; NaN and infinities become null. Returns the characters written to
// `out`, at most kMostFloatLetters each.
size_t writeFloats(const float* values, size_t count, char* out);

} // namespace vicinal
