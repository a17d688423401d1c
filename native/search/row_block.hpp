// Rows as columns, as reads return them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/buffer.hpp"
#include "filter/program.hpp"
#include "segment/snapshot.hpp"

namespace vicinal {

struct RowFields {
  bool payload = false;
  // Indexes of named vectors, the sparse ones behind the others.
  std::vector<uint32_t> vectors;
  // What the rows may take in memory; more of them is RESOURCE_EXHAUSTED, and none of it is taken.
  uint64_t mostBytes = UINT64_MAX;
};

struct RowBlock {
  // A vector a row, zeros where `counts` is 0; of multivectors as many as `counts` says.
  struct Vectors {
    Buffer<float> data;
    Buffer<uint32_t> counts;
    // Of a sparse vector, whose values are in `data`: count + 1 offsets into both.
    Buffer<uint32_t> indices;
    Buffer<uint32_t> offsets;
    bool isSparse = false;
  };
  uint32_t count = 0;
  Buffer<uint32_t> ids;
  Buffer<double> seqs;
  bool hasPayloads = false;
  Buffer<char> payloadBytes;
  Buffer<uint32_t> payloadOffsets;
  std::vector<Vectors> vectors;
};

// Whether a read may wait for a writer, who holds the overlays for as long as one batch of payloads
// takes, and the lookup of ids for as long as one of points. Refused: it ends with CANCELLED
// instead.
enum class Waiting : uint8_t { Allowed, Refused };

// Of the rows' payloads. The caller holds the overlays' lock, shared.
uint64_t payloadBytes(const std::vector<RowRef>& rows);

// The sequence numbers and payloads are those of now: a payload that was changed after the snapshot
// is the newer one. The caller holds the overlays' lock, shared.
// RESOURCE_EXHAUSTED beyond `fields.mostBytes`; CANCELLED where it was, by the bytes read.
Status readRows(const RowRef* rows, size_t count, const RowFields& fields,
                const std::vector<VectorSpec>& specs, RowBlock& block, const CancelFlag* cancel);

// Rows, filtered as of the snapshot, with payloads of now: the positions of those whose payload was
// changed in between and matches no longer. Nobody gets to see a point that contradicts the filter.
Status noLongerMatching(const Snapshot& snapshot, const FilterNode& filter, const RowRef* rows,
                        const RowBlock& block, const CancelFlag* cancel, std::vector<size_t>& gone);

// Reads the rows, leaving out those that match no longer; `drop(position)` is told of each, from
// the last to the first.
template <typename Drop>
Status readMatching(const Snapshot& snapshot, const FilterNode* filter, std::vector<RowRef>& rows,
                    const RowFields& fields, const std::vector<VectorSpec>& specs, RowBlock& block,
                    const Drop& drop, const CancelFlag* cancel,
                    Waiting waiting = Waiting::Allowed) {
  while (true) {
    block = {};
    {
      std::shared_lock overlays(*snapshot.overlays, std::defer_lock);
      if (waiting == Waiting::Allowed)
        overlays.lock();
      else if (!overlays.try_lock())
        return Status(Code::Cancelled, "payloads are being written");
      VICINAL_TRY(readRows(rows.data(), rows.size(), fields, specs, block, cancel));
    }
    if (filter == nullptr || !fields.payload) return Status::ok();
    std::vector<size_t> gone;
    VICINAL_TRY(noLongerMatching(snapshot, *filter, rows.data(), block, cancel, gone));
    if (gone.empty()) return Status::ok();
    for (auto position = gone.rbegin(); position != gone.rend(); ++position) {
      rows.erase(rows.begin() + static_cast<ptrdiff_t>(*position));
      drop(*position);
    }
  }
}

} // namespace vicinal
