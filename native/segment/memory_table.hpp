// The memory of segments by kind of data.
#pragma once

#include <vector>

#include "base/memory_tally.hpp"

namespace vicinal {

struct MemoryTable {
  struct Vectors {
    MemoryPart vectors;
    MemoryPart codes;
    // For a sparse vector: its postings.
    MemoryPart graph;
    // Bytes of cold vectors: they stay in their file and take no memory.
    uint64_t inFiles = 0;
  };
  explicit MemoryTable(size_t vectorCount) : vectors(vectorCount) {}

  // Sparse vectors follow the dense ones.
  std::vector<Vectors> vectors;
  // Ids, sequence numbers, and the maps between ids, rows and vertices.
  MemoryPart ids;
  MemoryPart payload;
  MemoryPart payloadIndexes;
  // Times at which rows died, and two bits for each row: payload changed, not flushed.
  MemoryPart tombstones;
  // Payloads that were changed after their row was appended.
  MemoryPart overlays;
  // Changes that are not in the table yet, and queries kept for measuring recall.
  MemoryPart changes;
};

} // namespace vicinal
