// A filter as requests carry it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "filter/program.hpp"

namespace vicinal {

// A filter program (src/filter/program.ts), or none.
using FilterBytes = std::optional<std::vector<uint8_t>>;

inline Status decodeFilter(const FilterBytes& bytes, size_t vectors,
                           std::optional<FilterProgram>& program) {
  if (!bytes) return Status::ok();
  auto decoded =
      FilterProgram::decode(bytes->data(), bytes->size(), static_cast<uint32_t>(vectors));
  if (!decoded) return decoded.status();
  program = decoded.take();
  return Status::ok();
}

} // namespace vicinal
