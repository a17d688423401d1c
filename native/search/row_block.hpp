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
  // Numbers of named vectors; sparse ones follow the dense ones.
  std::vector<uint32_t> vectors;
  // The most memory of the rows; RESOURCE_EXHAUSTED beyond, before anything is allocated.
  uint64_t mostBytes = UINT64_MAX;
};

struct RowBlock {
  // One vector for each row, zeros if `counts` is 0; for multivectors as many as `counts` says.
  struct Vectors {
    Buffer<float> data;
    Buffer<uint32_t> counts;
    // For a sparse vector, with its values in `data`: count + 1 offsets into both arrays.
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

// Whether a read may wait for a writer. A writer holds the overlays' lock for a batch of payloads,
// and the lock of id lookups for a batch of points. Refused: the read ends with CANCELLED instead.
enum class Waiting : uint8_t { Allowed, Refused };

// Bytes of the rows' payloads. The caller holds the overlays' lock, shared.
uint64_t payloadBytes(const std::vector<RowRef>& rows);

// The sequence numbers and payloads are those of now: a payload that was changed after the snapshot
// is the newer one. The caller holds the overlays' lock, shared.
// RESOURCE_EXHAUSTED beyond `fields.mostBytes`, CANCELLED where the work is stopped.
Status readRows(const RowRef* rows, size_t count, const RowFields& fields,
                const std::vector<VectorSpec>& specs, RowBlock& block, WorkMeter& work);

// The rows were filtered by the snapshot's payloads but have the present ones. Returns the
// positions of rows whose payload changed meanwhile and no longer matches. So no caller sees a
// point that contradicts the filter.
Status noLongerMatching(const Snapshot& snapshot, const FilterNode& filter, const RowRef* rows,
                        const RowBlock& block, const CancelFlag* cancel, std::vector<size_t>& gone);

// Reads the rows without those that no longer match. Calls `drop(position)` for each of these, from
// last to first.
template <typename Drop>
Status readMatching(const Snapshot& snapshot, const FilterNode* filter, std::vector<RowRef>& rows,
                    const RowFields& fields, const std::vector<VectorSpec>& specs, RowBlock& block,
                    const Drop& drop, const CancelFlag* cancel,
                    Waiting waiting = Waiting::Allowed) {
  // A search whose turn is over has all it needs but this.
  WorkMeter work(waiting == Waiting::Allowed ? cancel : nullptr);
  while (true) {
    block = {};
    {
      std::shared_lock overlays(*snapshot.overlays, std::defer_lock);
      if (waiting == Waiting::Allowed)
        overlays.lock();
      else if (!overlays.try_lock())
        return Status(Code::Cancelled, "payloads are being written");
      VICINAL_TRY(readRows(rows.data(), rows.size(), fields, specs, block, work));
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
