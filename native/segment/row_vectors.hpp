// The vectors of a row under one name: contiguous, and one unless it is a multivector. They are
// floats as received, or values of the datatype of the space that stores them.
#pragma once

#include "base/buffer.hpp"
#include "distance/datatype.hpp"

namespace vicinal {

struct RowVectors {
  const void* data = nullptr;
  uint32_t count = 0;
  Datatype datatype = Datatype::Float32;
};

// Appends their `components` as floats; false if memory is short.
[[nodiscard]] inline bool appendFloats(Buffer<float>& to, const RowVectors& from,
                                       size_t components) {
  if (!to.resize(to.size() + components)) return false;
  widen(from.data, from.datatype, components, to.end() - components);
  return true;
}

} // namespace vicinal
