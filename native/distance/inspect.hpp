// Looks at vectors as they came, before they are prepared: one pass for all rules of a collection.
#pragma once

#include <cstddef>
#include <cstdint>

#include "distance/datatype.hpp"

namespace vicinal {

// Bits of a vector's flags.
constexpr uint8_t kHasNan = 1;
// A component is infinite, or beyond the range of the datatype.
constexpr uint8_t kHasBeyond = 2;

// Writes of each vector its flags and its Euclidean norm in double precision, which is not finite
// if a component is not. `hashes`, unless it is null, gets two words for each: equal vectors have
// equal hashes of 64 bits. The results have the same bits on every processor, so that a verdict
// does not depend on the machine.
void inspectVectors(const float* data, size_t count, size_t dim, Datatype datatype, double* norms,
                    uint8_t* flags, uint32_t* hashes);

} // namespace vicinal
