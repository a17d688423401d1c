// Which codes lead the searches of a vector space.
#pragma once

#include <cstdint>

namespace vicinal {

enum class CodeKind : uint8_t {
  // What measures best on the space's own vectors (search/code_choice.hpp).
  Auto,
  // None: vectors themselves are compared.
  None,
  Sq8,
  Rabitq4,
  Rabitq1,
};

} // namespace vicinal
