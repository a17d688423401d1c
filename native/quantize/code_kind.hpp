// Which codes lead the searches of a vector space.
#pragma once

#include <cstddef>
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

// As the boundary has it.
constexpr const char* nameOf(CodeKind kind) {
  constexpr const char* kNames[] = {"auto", "none", "sq8", "rabitq4", "rabitq1"};
  return kNames[static_cast<size_t>(kind)];
}

// Of RaBitQ codes, a dimension.
constexpr uint32_t rabitqBitsOf(CodeKind kind) { return kind == CodeKind::Rabitq1 ? 1 : 4; }

} // namespace vicinal
