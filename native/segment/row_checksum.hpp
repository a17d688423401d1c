// The checksum that is stored with a row in the table; the table's data files have none. Writers
// and verifiers call this one function.
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

// CRC-32C over length and text of the id, the sequence number, deleted (one byte), and length and
// text of the payload. The present vectors follow by `addVectorChecksum`, in the shard's order.
// Everything is little-endian.
uint32_t rowChecksum(const ChecksummedRow& row);
// Adds a vector: its slot, then its floats.
uint32_t addVectorChecksum(uint32_t checksum, uint32_t slot, const float* data, size_t dim);
// Adds a sparse vector: its slot, number of components, indices, values.
uint32_t addSparseChecksum(uint32_t checksum, uint32_t slot, const SparseVector& sparse);

} // namespace vicinal
