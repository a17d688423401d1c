// Turns changes into rows of the table, and loads rows of the table.
#include <algorithm>
#include <limits>

#include "segment/row_checksum.hpp"
#include "shard/shard.hpp"
#include "shard/write_batch.hpp"

namespace vicinal {

namespace {

// Arrow's text columns have 32-bit offsets.
constexpr uint64_t kMostTextBytes = std::numeric_limits<int32_t>::max();

Status outOfMemory() { return Status::outOfMemory("collecting rows for the table"); }

class TableCollector {
public:
  TableCollector(TableRows& rows, const ShardSpec& spec)
      : rows_(rows), specs_(spec.vectors), sparse_(spec.sparse) {}

  Status reserve(size_t count) {
    bool fits = rows_.idOffsets.push(0) && rows_.payloadOffsets.push(0) &&
                rows_.seqs.reserve(count) && rows_.deleted.reserve(count) &&
                rows_.crcs.reserve(count);
    rows_.vectors.resize(specs_.size());
    for (size_t vector = 0; vector < specs_.size() && fits; vector++) {
      auto& column = rows_.vectors[vector];
      const size_t floats = specs_[vector].isMulti ? 0 : count * specs_[vector].dim;
      fits = column.data.reserve(floats) && column.counts.reserve(count);
    }
    rows_.sparse.resize(sparse_.size());
    for (auto& column : rows_.sparse)
      fits = fits && column.offsets.push(0) && column.counts.resizeZeroed(count);
    return fits ? Status::ok() : outOfMemory();
  }

  // Call with the overlays' lock held.
  Status add(const TakenChange& change) {
    idText_.clear();
    appendPointIdText(change.id, idText_);
    ChecksummedRow row{idText_, static_cast<int64_t>(change.deletedSeq), !change.row.found(), {}};
    if (change.row.found()) {
      row.seq = static_cast<int64_t>(change.row.segment->seq(change.row.row));
      row.payload = change.row.segment->payload(change.row.row);
    }
    if (rows_.payloadBytes.size() + row.payload.size() > kMostTextBytes)
      return Status(Code::TooLarge, "a batch of rows has more than 2 GiB of payload");
    uint32_t crc = rowChecksum(row);
    bool fits = true;
    for (uint32_t vector = 0; vector < specs_.size(); vector++)
      fits = addVector(change.row, vector, crc) && fits;
    for (uint32_t vector = 0; vector < sparse_.size(); vector++)
      VICINAL_TRY(addSparse(change.row, vector, crc));
    fits = fits && rows_.idBytes.append(idText_.data(), idText_.size()) &&
           rows_.idOffsets.push(static_cast<int32_t>(rows_.idBytes.size())) &&
           rows_.seqs.push(row.seq) && rows_.deleted.push(row.isDeleted ? 1 : 0) &&
           rows_.crcs.push(crc) &&
           rows_.payloadBytes.append(row.payload.data(), row.payload.size()) &&
           rows_.payloadOffsets.push(static_cast<int32_t>(rows_.payloadBytes.size()));
    rows_.count++;
    return fits ? Status::ok() : outOfMemory();
  }

private:
  bool addVector(const RowRef& row, uint32_t vector, uint32_t& crc) {
    const size_t dim = specs_[vector].dim;
    auto& column = rows_.vectors[vector];
    const RowVectors from = row.found() ? row.segment->vectorsOf(vector, row.row) : RowVectors{};
    if (!column.counts.push(from.count)) return false;
    if (from.count == 0) return specs_[vector].isMulti || column.data.appendZeros(dim);
    const size_t floats = from.count * dim;
    if (!appendFloats(column.data, from, floats)) return false;
    const float* const appended = column.data.end() - floats;
    crc = addVectorChecksum(crc, specs_[vector].slot, appended, floats);
    return true;
  }

  Status addSparse(const RowRef& row, uint32_t vector, uint32_t& crc) {
    auto& column = rows_.sparse[vector];
    const SparseVector from =
        row.found() ? row.segment->sparse(vector).vector(row.row) : SparseVector{};
    if (column.indices.size() + from.count > kMostTextBytes)
      return Status(Code::TooLarge, "a batch of rows has more than 2^31 components");
    const bool fits = column.indices.append(from.indices, from.count) &&
                      column.values.append(from.values, from.count) &&
                      column.offsets.push(static_cast<int32_t>(column.indices.size()));
    if (!fits) return outOfMemory();
    if (!from.isPresent()) return Status::ok();
    column.counts[rows_.count] = 1;
    crc = addSparseChecksum(crc, sparse_[vector].slot, from);
    return Status::ok();
  }

  TableRows& rows_;
  const std::vector<VectorSpec>& specs_;
  const std::vector<SparseSpec>& sparse_;
  std::string idText_;
};

bool isMonotonic(const int32_t* offsets, uint32_t count) {
  if (offsets[0] < 0) return false;
  for (uint32_t row = 0; row < count; row++) {
    if (offsets[row + 1] < offsets[row]) return false;
  }
  return true;
}

bool hasMonotonicOffsets(const TableView& rows) {
  return isMonotonic(rows.idOffsets, rows.count) && isMonotonic(rows.payloadOffsets, rows.count) &&
         std::all_of(rows.sparse.begin(), rows.sparse.end(), [&](const TableView::Sparse& sparse) {
           return isMonotonic(sparse.offsets, rows.count);
         });
}

} // namespace

Status Shard::takeFlush(uint64_t maxBytes, TableRows& rows) {
  Snapshot keepsAlive;
  {
    std::lock_guard lock(writer_);
    if (!changes_.take(maxBytes, seq_.load(), rows.throughSeq)) return Status::ok();
    keepsAlive = segments_.snapshot();
  }
  const Status status = attempt([&] { return collectTaken(rows); });
  if (!status) restoreFlush();
  return status;
}

// Rows never change, so writes may go on. A payload that changes meanwhile is taken in its newest
// version, with its sequence number, and is dirty again.
Status Shard::collectTaken(TableRows& rows) const {
  const std::vector<TakenChange> taken = changes_.taken();
  TableCollector collector(rows, spec_);
  VICINAL_TRY(collector.reserve(taken.size()));
  std::shared_lock overlays(segments_.overlays());
  for (const TakenChange& change : taken) VICINAL_TRY(collector.add(change));
  return Status::ok();
}

void Shard::restoreFlush() {
  std::lock_guard lock(writer_);
  changes_.restore();
}

void Shard::completeFlush() { changes_.complete(); }

namespace {

// Walks over the vectors of table rows, each row once and in order.
class VectorCursor {
public:
  VectorCursor(const TableView& rows, const std::vector<VectorSpec>& specs)
      : rows_(rows), specs_(specs), at_(specs.size(), 0) {}

  RowVectors next(uint32_t row, size_t vector) {
    const auto [data, count] = nextFloats(row, vector);
    return count == 0 ? RowVectors{} : RowVectors{data, count};
  }
  // The vectors and their number.
  std::pair<const float*, uint32_t> nextFloats(uint32_t row, size_t vector) {
    const auto& column = rows_.vectors[vector];
    const uint32_t count = column.counts[row];
    const float* const data = column.data + at_[vector];
    at_[vector] += uint64_t(specs_[vector].isMulti ? count : 1) * specs_[vector].dim;
    return {data, count};
  }

private:
  const TableView& rows_;
  const std::vector<VectorSpec>& specs_;
  std::vector<uint64_t> at_;
};

} // namespace

int64_t Shard::verifyRows(const TableView& rows) const {
  Buffer<uint32_t> right;
  if (!checksums(rows, right)) return 0;
  for (uint32_t row = 0; row < rows.count; row++)
    if (right[row] != rows.crcs[row]) return row;
  return -1;
}

bool Shard::checksums(const TableView& rows, Buffer<uint32_t>& crcs) const {
  if (!hasMonotonicOffsets(rows) || !crcs.reserve(rows.count)) return false;
  VectorCursor cursor(rows, spec_.vectors);
  for (uint32_t row = 0; row < rows.count; row++) {
    uint32_t crc =
        rowChecksum({rows.idText(row), rows.seqs[row], rows.deleted[row] != 0, rows.payload(row)});
    for (uint32_t vector = 0; vector < spec_.vectors.size(); vector++) {
      const VectorSpec& spec = spec_.vectors[vector];
      const auto [data, count] = cursor.nextFloats(row, vector);
      if (count > 0) crc = addVectorChecksum(crc, spec.slot, data, size_t(count) * spec.dim);
    }
    for (uint32_t vector = 0; vector < spec_.sparse.size(); vector++) {
      const SparseVector sparse = rows.sparse[vector].at(row);
      if (sparse.isPresent()) crc = addSparseChecksum(crc, spec_.sparse[vector].slot, sparse);
    }
    if (!crcs.push(crc)) return false;
  }
  return true;
}

Status Shard::loadRows(const TableView& rows) {
  if (!hasMonotonicOffsets(rows))
    return Status(Code::Corrupt, "rows of the table: offsets are not ascending");
  std::lock_guard lock(writer_);
  WriteBatch batch = newBatch(rows.count);
  uint64_t newest = seq_.load();
  VectorCursor cursor(rows, spec_.vectors);
  for (uint32_t row = 0; row < rows.count; row++) {
    RowVectors* const vectors = batch.nextVectors();
    for (size_t vector = 0; vector < spec_.vectors.size(); vector++)
      vectors[vector] = cursor.next(row, vector);
    PointId id;
    if (!parsePointIdText(rows.idText(row), id) || rows.seqs[row] < 0)
      return Status(Code::Corrupt, "rows of the table: row " + std::to_string(row) +
                                       " has no valid id and number");
    const uint64_t seq = static_cast<uint64_t>(rows.seqs[row]);
    newest = std::max(newest, seq);
    const RowRef old = segments_.find(id);
    if (old.found() && old.segment->seq(old.row) >= seq) continue;
    if (rows.deleted[row] != 0) {
      if (old.found()) batch.replaced.push_back(old);
      continue;
    }
    for (size_t vector = 0; vector < spec_.sparse.size(); vector++)
      batch.nextSparse()[vector] = rows.sparse[vector].at(row);
    batch.add(id, seq, rows.payload(row), old);
  }
  VICINAL_TRY(writeRows(batch, false));
  advance(newest);
  return Status::ok();
}

} // namespace vicinal
