// The kinds of codes that can lead the searches of a vector space.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vicinal {

enum class CodeKind : uint8_t {
  // The kind that measures best on the space's own vectors (search/code_choice.hpp).
  Auto,
  // No codes: searches compare the vectors themselves.
  None,
  Sq8,
  Rabitq4,
  Rabitq1,
};

// Names as the native boundary spells them.
constexpr const char* nameOf(CodeKind kind) {
  constexpr const char* kNames[] = {"auto", "none", "sq8", "rabitq4", "rabitq1"};
  return kNames[static_cast<size_t>(kind)];
}

// Bits per dimension of a RaBitQ code.
constexpr uint32_t rabitqBitsOf(CodeKind kind) { return kind == CodeKind::Rabitq1 ? 1 : 4; }

} // namespace vicinal
