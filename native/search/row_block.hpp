// Rows as columns, as reads return them.
#pragma once

#include <cstdint>
#include <vector>

#include "segment/buffer.hpp"
#include "segment/snapshot.hpp"

namespace vicinal {

struct RowFields {
  bool payload = false;
  // Indexes of named vectors.
  std::vector<uint32_t> vectors;
};

struct RowBlock {
  struct Vectors {
    Buffer<float> data;
    Buffer<uint8_t> present;
  };
  uint32_t count = 0;
  Buffer<uint32_t> ids;
  Buffer<double> seqs;
  bool hasPayloads = false;
  Buffer<char> payloadBytes;
  Buffer<uint32_t> payloadOffsets;
  std::vector<Vectors> vectors;
};

// The sequence numbers and payloads are those of now: a payload that was changed after the snapshot is the newer one.
// The caller holds the overlays' lock, shared.
Status readRows(const RowRef* rows, size_t count, const RowFields& fields, const std::vector<VectorSpec>& specs,
                RowBlock& block);

} // namespace vicinal
