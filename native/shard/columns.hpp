// The columns in which rows enter and leave the kernel, as src/native/addon.ts describes them.
// Inputs are views of memory that the caller keeps; the binding has checked their lengths. Outputs
// own their memory and may give it to JavaScript.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/buffer.hpp"
#include "segment/point_id.hpp"
#include "sparse/sparse_vector.hpp"

namespace vicinal {

struct UpsertColumns {
  struct Vectors {
    uint32_t vector = 0;
    const float* data = nullptr;
    // Ascending positions of the points that have the vector; null: all points.
    const uint32_t* rows = nullptr;
    uint32_t count = 0;
    // The number of vectors of each of these points; null: one each.
    const uint32_t* counts = nullptr;
  };
  struct Sparse {
    // Number of the sparse vector.
    uint32_t vector = 0;
    // Indices and values of all vectors, one after the other; `count` + 1 offsets.
    const uint32_t* indices = nullptr;
    const float* values = nullptr;
    const uint32_t* offsets = nullptr;
    const uint32_t* rows = nullptr;
    uint32_t count = 0;
    SparseVector at(uint32_t position) const {
      const uint32_t from = offsets[position];
      return {indices + from, values + from, offsets[position + 1] - from};
    }
  };
  std::vector<PointId> ids;
  uint64_t seq = 0;
  std::vector<Vectors> vectors;
  std::vector<Sparse> sparse;
  const char* payloadBytes = nullptr;
  // ids + 1 offsets; null: no payloads.
  const uint32_t* payloadOffsets = nullptr;

  std::string_view payload(size_t row) const {
    if (payloadOffsets == nullptr) return {};
    return {payloadBytes + payloadOffsets[row], payloadOffsets[row + 1] - payloadOffsets[row]};
  }
};

// Rows of the table, for reading.
struct TableView {
  // One vector for each row, zeros if `counts` is 0; for multivectors as many as `counts` says.
  struct Vectors {
    const float* data = nullptr;
    const uint32_t* counts = nullptr;
  };
  struct Sparse {
    const uint32_t* indices = nullptr;
    const float* values = nullptr;
    const int32_t* offsets = nullptr;
    const uint32_t* counts = nullptr;
    SparseVector at(uint32_t row) const {
      if (counts[row] == 0) return {};
      const int32_t from = offsets[row];
      return {indices + from, values + from, static_cast<uint32_t>(offsets[row + 1] - from)};
    }
  };
  uint32_t count = 0;
  const char* idBytes = nullptr;
  const int32_t* idOffsets = nullptr;
  const int64_t* seqs = nullptr;
  const uint8_t* deleted = nullptr;
  const uint32_t* crcs = nullptr;
  const char* payloadBytes = nullptr;
  const int32_t* payloadOffsets = nullptr;
  std::vector<Vectors> vectors;
  std::vector<Sparse> sparse;

  std::string_view idText(uint32_t row) const { return span(idBytes, idOffsets, row); }
  std::string_view payload(uint32_t row) const { return span(payloadBytes, payloadOffsets, row); }

private:
  static std::string_view span(const char* bytes, const int32_t* offsets, uint32_t row) {
    return {bytes + offsets[row], static_cast<size_t>(offsets[row + 1] - offsets[row])};
  }
};

// Rows of the table, for writing.
struct TableRows {
  // As in TableView.
  struct Vectors {
    Buffer<float> data;
    Buffer<uint32_t> counts;
  };
  struct Sparse {
    Buffer<uint32_t> indices;
    Buffer<float> values;
    Buffer<int32_t> offsets;
    Buffer<uint32_t> counts;
  };
  uint32_t count = 0;
  uint64_t throughSeq = 0;
  Buffer<char> idBytes;
  Buffer<int32_t> idOffsets;
  Buffer<int64_t> seqs;
  Buffer<uint8_t> deleted;
  Buffer<uint32_t> crcs;
  Buffer<char> payloadBytes;
  Buffer<int32_t> payloadOffsets;
  std::vector<Vectors> vectors;
  std::vector<Sparse> sparse;
};

} // namespace vicinal
