// Vectors of an answer as text of JSON: in JavaScript each component is a number of double
// precision that has to be rounded until its digits are as few as a float needs, in half a
// microsecond.
#pragma once

#include <cstddef>

namespace vicinal {

// Of one component, with the comma behind it.
inline constexpr size_t kMostFloatLetters = 24;

// The components with commas between them, without brackets: each in as few digits as lead back to
// the same float, and what is no number as null. Returns how many letters of `out` it took, at most
// kMostFloatLetters for each.
size_t writeFloats(const float* values, size_t count, char* out);

} // namespace vicinal
