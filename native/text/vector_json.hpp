// Vectors of a request in JSON, taken out of its text before it is parsed: of an array of a
// thousand numbers, V8 makes a thousand values one by one, only to have them put into an array of
// floats.
//
// Where vectors may be is told by the keys of the requests that have any: `vector` and `vectors`,
// with names within or without, `query`, `nearest`, and lists of examples. What is anybody's own
// (payloads, metadata, filters) is left as it is, and so is an array with anything in it that is no
// finite float32: whoever parses the rest says what is wrong with it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/buffer.hpp"
#include "base/status.hpp"

namespace vicinal {

// Fewer numbers are as quickly parsed where they are.
inline constexpr size_t kLeastLifted = 8;

struct LiftedVectors {
  // The text, with "<mark><number of the vector>" as a string in the place of each.
  Buffer<char> text;
  // The vectors' components, end to end.
  Buffer<float> floats;
  // Where each ends.
  Buffer<uint32_t> ends;
};

// None where there are none, or where this is no JSON: as far as it is looked at here. `mark` is a
// text that JSON has in strings as it is.
Status liftVectors(std::string_view json, std::string_view mark, LiftedVectors& lifted);

} // namespace vicinal
