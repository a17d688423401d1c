// Cleaning of vectors, once, before anything stores them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "distance/datatype.hpp"

namespace vicinal {

// Checks `count` vectors in place: the index of the first with a component that is not finite, or
// -1. With `normalise`, scales each to unit length; a zero vector stays, and a norm that float
// can't hold (components of 1e30, or denormals) is taken in double precision. A vector of unit
// length within rounding keeps its bits, so preparing twice changes nothing.
int64_t prepareVectors(float* data, size_t count, size_t dim, bool normalise);

// Prepares, and rounds: to the nearest half-precision float once scaled, or, before that, to the
// integer towards zero within 0 and 255. A component beyond half precision counts as not finite.
int64_t prepareVectors(float* data, size_t count, size_t dim, bool normalise, Datatype datatype);

// Euclidean norm in double precision.
double norm(const float* vector, size_t dim);

} // namespace vicinal
