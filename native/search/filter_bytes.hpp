// A filter as requests carry it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "filter/program.hpp"
#include "segment/snapshot.hpp"

namespace vicinal {

// An encoded filter program (src/filter/program.ts), or none.
using FilterBytes = std::optional<std::vector<uint8_t>>;

// The text indexes of the collection. The last segment has them all.
inline std::vector<TextField> textFields(const Snapshot& snapshot) {
  std::vector<TextField> fields;
  if (snapshot.count() == 0) return fields;
  // The list is held while it is read, since adding or dropping an index replaces it.
  const auto indexes = snapshot.segment(snapshot.count() - 1).indexes();
  for (const auto& index : *indexes)
    if (index->kind() == PayloadIndexKind::Text)
      fields.push_back({index->path(), index->textOptions()});
  return fields;
}

inline Status decodeFilter(const FilterBytes& bytes, size_t vectors, const Snapshot& snapshot,
                           const CancelFlag* cancel, std::optional<FilterProgram>& program) {
  if (!bytes) return Status::ok();
  WorkMeter work(cancel);
  auto decoded = FilterProgram::decode(bytes->data(), bytes->size(), static_cast<uint32_t>(vectors),
                                       textFields(snapshot), work);
  if (!decoded) return decoded.status();
  program = decoded.take();
  return Status::ok();
}

} // namespace vicinal
