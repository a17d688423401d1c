// The checksum that goes with a row into the table, where the data files themselves have none.
// Defined here alone: writers and verifiers call the same function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sparse/sparse_vector.hpp"

namespace vicinal {

struct ChecksummedRow {
  std::string_view idText;
  int64_t seq = 0;
  bool isDeleted = false;
  std::string_view payload;
};

// CRC-32C over: length and text of the id, sequence number, deleted (one byte), length and text of
// the payload. The present vectors follow by `addVectorChecksum`, in the shard's order.
// All little-endian.
uint32_t rowChecksum(const ChecksummedRow& row);
// Continues with a vector: its slot, then its floats.
uint32_t addVectorChecksum(uint32_t checksum, uint32_t slot, const float* data, size_t dim);
// With a sparse one: its slot, number of components, their indices, their values.
uint32_t addSparseChecksum(uint32_t checksum, uint32_t slot, const SparseVector& sparse);

} // namespace vicinal
