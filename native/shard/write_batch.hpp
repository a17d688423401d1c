// The rows that one write appends, and the rows that it tombstones.
#pragma once

#include <vector>

#include "segment/snapshot.hpp"

namespace vicinal {

struct WriteBatch {
  std::vector<NewRow> rows;
  // The previous row of each; not found: the point is new.
  std::vector<RowRef> old;
  std::vector<RowRef> replaced;
  // Number of the operation that deletes these rows; 0: they are replaced, or already known as
  // deleted.
  uint64_t deletedSeq = 0;
  BatchSize size;

  WriteBatch(size_t mostRows, size_t vectorCount, size_t sparseCount)
      : vectors_(mostRows * vectorCount), sparse_(mostRows * sparseCount) {
    rows.reserve(mostRows);
    size.vertices.assign(vectorCount, 0);
    size.entries.assign(sparseCount, 0);
  }

  // The vectors of the row to be added next, one entry for each named vector, for the caller to
  // fill in.
  RowVectors* nextVectors() { return vectors_.data() + rows.size() * size.vertices.size(); }

  // The same for its sparse vectors.
  SparseVector* nextSparse() { return sparse_.data() + rows.size() * size.entries.size(); }
  // Copies the vectors of an existing row to the next row.
  void keepVectors(const Segment& segment, uint32_t row) {
    RowVectors* const vectors = nextVectors();
    for (size_t vector = 0; vector < size.vertices.size(); vector++)
      vectors[vector] = segment.vectorsOf(vector, row);
    SparseVector* sparse = nextSparse();
    for (size_t vector = 0; vector < size.entries.size(); vector++)
      sparse[vector] = segment.sparse(vector).vector(row);
  }

  void add(const PointId& id, uint64_t seq, std::string_view payload, const RowRef& previous,
           bool isDirty = false) {
    const RowVectors* const vectors = nextVectors();
    for (size_t vector = 0; vector < size.vertices.size(); vector++)
      size.vertices[vector] += vectors[vector].count;
    const SparseVector* sparse = nextSparse();
    for (size_t vector = 0; vector < size.entries.size(); vector++)
      size.entries[vector] += sparse[vector].count;
    size.payloadBytes += payload.size();
    size.rows++;
    rows.push_back({id, seq, payload, vectors, sparse, isDirty});
    old.push_back(previous);
    if (previous.found()) replaced.push_back(previous);
  }

  uint64_t bytesOf(size_t row, const std::vector<VectorSpec>& specs) const {
    uint64_t bytes = rows[row].payload.size();
    for (size_t vector = 0; vector < specs.size(); vector++) {
      // In the table, a missing vector takes the room of a present one.
      const uint32_t count = specs[vector].isMulti ? rows[row].vectors[vector].count : 1;
      bytes += uint64_t(count) * specs[vector].dim * sizeof(float);
    }
    for (size_t vector = 0; vector < size.entries.size(); vector++)
      bytes += rows[row].sparse[vector].count * kSparseEntryBytes;
    return bytes;
  }

private:
  std::vector<RowVectors> vectors_;
  std::vector<SparseVector> sparse_;
};

} // namespace vicinal
