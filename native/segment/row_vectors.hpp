// What a row has under one name: vectors end to end, one but for multivectors. They are floats as
// they came in, or of the datatype of the space that keeps them.
#pragma once

#include "base/buffer.hpp"
#include "distance/datatype.hpp"

namespace vicinal {

struct RowVectors {
  const void* data = nullptr;
  uint32_t count = 0;
  Datatype datatype = Datatype::Float32;
};

// Appends their `components` as floats; false where memory is short.
[[nodiscard]] inline bool appendFloats(Buffer<float>& to, const RowVectors& from,
                                       size_t components) {
  if (!to.resize(to.size() + components)) return false;
  widen(from.data, from.datatype, components, to.end() - components);
  return true;
}

} // namespace vicinal
