// Takes vectors out of a JSON request before it is parsed. For an array of a thousand numbers V8
// makes a thousand values, only to convert them to floats.
//
// Keys tell where vectors may be: `vector` and `vectors` (names inside or outside), `query`,
// `nearest`, and lists of examples. User data (payloads, metadata, filters) stays as it is. An
// array with any element that is not a finite float32 stays too; the later parser reports the
// error.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/buffer.hpp"
#include "base/status.hpp"

namespace vicinal {

// Fewer numbers than this are parsed as fast in place.
inline constexpr size_t kLeastLifted = 8;

struct LiftedVectors {
  // The text, with the string "<mark><number of the vector>" in place of each vector.
  Buffer<char> text;
  // The vectors' components, one vector after the other.
  Buffer<float> floats;
  // The end of each vector in `floats`.
  Buffer<uint32_t> ends;
};

// Lifts nothing if there are no vectors or if the text, as far as checked here, is not JSON. JSON
// strings must be able to hold `mark` without escapes.
Status liftVectors(std::string_view json, std::string_view mark, LiftedVectors& lifted);

} // namespace vicinal
