// Checks and normalises vectors once, before they are stored.
#pragma once

#include <cstddef>
#include <cstdint>

#include "distance/datatype.hpp"

namespace vicinal {

// Checks `count` vectors in place. Returns the index of the first vector with a component that is
// not finite, or -1. `normalise` scales each vector to unit length; zero vectors stay. A norm
// outside the range of floats (components of 1e30, or denormals) is computed in double precision. A
// vector of unit length within rounding keeps its bits, so preparing twice changes nothing.
int64_t prepareVectors(float* data, size_t count, size_t dim, bool normalise);

// Prepares and rounds. Float16: each component becomes the nearest half after scaling; a component
// beyond half precision counts as not finite. Uint8: each component is truncated to an integer
// within 0 and 255 before scaling.
int64_t prepareVectors(float* data, size_t count, size_t dim, bool normalise, Datatype datatype);

// Euclidean norm in double precision: the same bits on every processor.
double norm(const float* vector, size_t dim);

} // namespace vicinal
