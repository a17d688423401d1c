// Where the memory of segments is, by kind of data.
#pragma once

#include <vector>

#include "base/memory_tally.hpp"

namespace vicinal {

struct MemoryTable {
  struct Vectors {
    MemoryPart vectors;
    MemoryPart codes;
    // Of a sparse vector, its postings.
    MemoryPart graph;
    // Vectors that stay in their file and are read at each use: in nobody's memory.
    uint64_t inFiles = 0;
  };
  explicit MemoryTable(size_t vectorCount) : vectors(vectorCount) {}

  // The sparse ones behind the others.
  std::vector<Vectors> vectors;
  // Ids, sequence numbers, and the maps between ids, rows and vertices.
  MemoryPart ids;
  MemoryPart payload;
  MemoryPart payloadIndexes;
  // When rows died, and bits for each row: changed payload, not flushed.
  MemoryPart tombstones;
  // Payloads that were changed after their row was appended.
  MemoryPart overlays;
  // What the table has yet to be told, and queries remembered for measuring recall.
  MemoryPart changes;
};

} // namespace vicinal
