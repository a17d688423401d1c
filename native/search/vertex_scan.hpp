// Offers vertices to a collector, block by block: those of a range, or of the candidate rows within
// it.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "filter/row_bitmap.hpp"
#include "graph/neighbor.hpp"
#include "search/space_search.hpp"

namespace vicinal {

// Exact distances.
struct VectorDistances {
  SpaceSearch& search;
  uint32_t rowBytes;

  Status of(std::span<const uint32_t> vertices, float* out) const {
    return search.score(vertices, out);
  }
  Status ofRange(uint32_t first, uint32_t count, float* out) const {
    return search.scan(first, count, out);
  }
};

// Distances by code.
struct CodeDistances {
  SpaceSearch& search;
  uint32_t rowBytes;

  Status of(std::span<const uint32_t> vertices, float* out) const {
    search.scoreByCode(vertices, out);
    return Status::ok();
  }
  Status ofRange(uint32_t first, uint32_t count, float* out) const {
    search.scanCodes(first, count, out);
    return Status::ok();
  }
};

// Limits between two looks at the cancel flag: some tens of microseconds of distances, or fewer
// rows if payloads are read.
constexpr uint32_t kMostRowsScanned = 1024;
constexpr uint32_t kMostRowsRead = 64;
constexpr uint32_t kMostBytesScanned = 512 * 1024;
// Distances between two looks at the cancel flag.
constexpr uint32_t mostScannedAtOnce(uint32_t rowBytes, uint32_t mostRows) {
  return std::clamp(kMostBytesScanned / std::max(1u, rowBytes), 1u, mostRows);
}

template <typename Distances, typename Accept, typename Collector> class VertexScan {
public:
  // `accept(vertex)` is called only for vertices near enough to be kept. `most` is the number of
  // distances between two looks at the cancel flag.
  VertexScan(const VectorSpace& space, const Distances& distances, const Accept& accept,
             const CancelFlag* cancel, Collector& nearest, uint32_t most = kMostRowsScanned)
      : space_(space), distances_(distances), accept_(accept), cancel_(cancel), nearest_(nearest),
        block_(mostScannedAtOnce(distances.rowBytes, most)) {}

  // Where a cancelled scan resumes.
  uint32_t next() const { return next_; }

  Status range(VertexSlice slice) {
    for (uint32_t first = slice.from; first < slice.to; first += block_) {
      next_ = first;
      VICINAL_TRY(checkCancelled());
      const uint32_t count = std::min(block_, slice.to - first);
      VICINAL_TRY(distances_.ofRange(first, count, out()));
      offer(count, [&](uint32_t at) { return first + at; });
    }
    return Status::ok();
  }

  Status candidates(const RowBitmap& rows, VertexSlice slice) {
    if (!rows.isDense() && space_.isIdentity()) return listed(rows.list(), slice);
    thread_local std::vector<uint32_t> vertices;
    vertices.clear();
    Status status = Status::ok();
    const auto flush = [&] {
      if (vertices.empty()) return;
      if (status) next_ = vertices.front();
      if (status) status = checkCancelled();
      if (status) status = distances_.of(vertices, out());
      if (status) offer(uint32_t(vertices.size()), [&](uint32_t at) { return vertices[at]; });
      vertices.clear();
    };
    space_.forEachVertex(rows, slice.from, [&](uint32_t vertex) {
      if (!status || vertex >= slice.to) return;
      vertices.push_back(vertex);
      if (vertices.size() == block_) flush();
    });
    flush();
    return status;
  }

private:
  static float* out() {
    thread_local std::vector<float> distances(kMostRowsScanned);
    return distances.data();
  }

  Status checkCancelled() const {
    const bool isCancelled = cancel_ != nullptr && cancel_->isCancelled();
    return isCancelled ? Status(Code::Cancelled, "the search was cancelled") : Status::ok();
  }

  // Vertices in ascending order.
  Status listed(std::span<const uint32_t> vertices, VertexSlice slice) {
    const auto from = std::lower_bound(vertices.begin(), vertices.end(), slice.from);
    const auto to = std::lower_bound(from, vertices.end(), slice.to);
    for (auto at = from; at != to;) {
      next_ = *at;
      VICINAL_TRY(checkCancelled());
      const std::span block(at, std::min<size_t>(block_, size_t(to - at)));
      VICINAL_TRY(distances_.of(block, out()));
      offer(uint32_t(block.size()), [&](uint32_t i) { return block[i]; });
      at += ptrdiff_t(block.size());
    }
    return Status::ok();
  }

  template <typename VertexAt> void offer(uint32_t count, const VertexAt& vertexAt) {
    nearest_.offerAll(out(), count, vertexAt, accept_);
  }

  const VectorSpace& space_;
  const Distances distances_;
  const Accept& accept_;
  const CancelFlag* const cancel_;
  Collector& nearest_;
  const uint32_t block_;
  uint32_t next_ = 0;
};

} // namespace vicinal
