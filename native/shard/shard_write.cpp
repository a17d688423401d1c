// Writes: rows are staged beyond every reader's count, then published with the tombstones of the
// rows they replace.
#include <algorithm>

#include "shard/shard.hpp"
#include "shard/write_batch.hpp"

namespace vicinal {

namespace {

// Walks the columns of a batch together: which vectors point i brings.
class ColumnCursor {
public:
  ColumnCursor(const UpsertColumns& columns, const std::vector<VectorSpec>& specs)
      : columns_(columns), specs_(specs), next_(columns.vectors.size(), {0, 0}) {}

  // Points must be asked for in ascending order, each once.
  void read(uint32_t point, RowVectors* vectors) {
    for (size_t at = 0; at < columns_.vectors.size(); at++) {
      const auto& column = columns_.vectors[at];
      auto& [position, vector] = next_[at];
      if (position >= column.count) continue;
      if (column.rows != nullptr && column.rows[position] != point) continue;
      const uint32_t count = column.counts != nullptr ? column.counts[position] : 1;
      vectors[column.vector] = {column.data + vector * specs_[column.vector].dim, count};
      position++;
      vector += count;
    }
  }

private:
  const UpsertColumns& columns_;
  const std::vector<VectorSpec>& specs_;
  struct Place {
    uint32_t position;
    uint64_t vector;
  };
  std::vector<Place> next_;
};

} // namespace

Status Shard::writeRows(WriteBatch& batch, bool isChange) {
  Segment* segment = nullptr;
  if (!batch.rows.empty()) {
    auto writable = segments_.writable(batch.size);
    if (!writable) return writable.status();
    segment = *writable;
    for (size_t at = 0; at < batch.rows.size(); at++) {
      NewRow& row = batch.rows[at];
      if (isChange)
        row.isDirty =
            changes_.noteRow(row.id, batch.old[at], row.seq, batch.bytesOf(at, spec_.vectors));
      segment->append(row);
    }
  }
  if (segment != nullptr) segment->indexStaged();
  if (!batch.rows.empty() || !batch.replaced.empty()) segments_.commit(segment, batch.replaced);
  if (!batch.rows.empty()) indexer_->kick();
  return Status::ok();
}

Status Shard::upsert(const UpsertColumns& columns) {
  std::lock_guard lock(writer_);
  const size_t vectorCount = spec_.vectors.size();
  WriteBatch batch(columns.ids.size(), vectorCount);
  ColumnCursor cursor(columns, spec_.vectors);
  std::vector<RowVectors> vectors(vectorCount);
  for (uint32_t point = 0; point < columns.ids.size(); point++) {
    std::fill(vectors.begin(), vectors.end(), RowVectors{});
    cursor.read(point, vectors.data());
    const RowRef old = segments_.find(columns.ids[point]);
    if (old.found() && old.segment->seq(old.row) >= columns.seq) continue;
    std::copy(vectors.begin(), vectors.end(), batch.nextVectors());
    batch.add(columns.ids[point], columns.seq, columns.payload(point), old);
  }
  VICINAL_TRY(writeRows(batch, true));
  advance(columns.seq);
  return Status::ok();
}

Status Shard::updateVectors(const UpsertColumns& columns) {
  std::lock_guard lock(writer_);
  const size_t vectorCount = spec_.vectors.size();
  WriteBatch batch(columns.ids.size(), vectorCount);
  ColumnCursor cursor(columns, spec_.vectors);
  std::vector<RowVectors> given(vectorCount);
  for (uint32_t point = 0; point < columns.ids.size(); point++) {
    std::fill(given.begin(), given.end(), RowVectors{});
    cursor.read(point, given.data());
    const RowRef old = segments_.find(columns.ids[point]);
    if (!old.found() || old.segment->seq(old.row) >= columns.seq) continue;
    RowVectors* const vectors = batch.nextVectors();
    for (size_t vector = 0; vector < vectorCount; vector++)
      vectors[vector] =
          given[vector].count > 0 ? given[vector] : old.segment->vectorsOf(vector, old.row);
    batch.add(columns.ids[point], columns.seq, old.segment->payload(old.row), old);
  }
  VICINAL_TRY(writeRows(batch, true));
  advance(columns.seq);
  return Status::ok();
}

Status Shard::deleteVectors(const std::vector<PointId>& ids, const std::vector<uint32_t>& vectors,
                            uint64_t seq) {
  std::lock_guard lock(writer_);
  const size_t vectorCount = spec_.vectors.size();
  WriteBatch batch(ids.size(), vectorCount);
  for (const PointId& id : ids) {
    const RowRef old = segments_.find(id);
    if (!old.found() || old.segment->seq(old.row) >= seq) continue;
    RowVectors* const kept = batch.nextVectors();
    bool changes = false;
    for (size_t vector = 0; vector < vectorCount; vector++) {
      kept[vector] = old.segment->vectorsOf(vector, old.row);
      if (kept[vector].count == 0 ||
          std::find(vectors.begin(), vectors.end(), vector) == vectors.end())
        continue;
      kept[vector] = {};
      changes = true;
    }
    if (!changes) continue;
    batch.add(id, seq, old.segment->payload(old.row), old);
  }
  VICINAL_TRY(writeRows(batch, true));
  advance(seq);
  return Status::ok();
}

Status Shard::deletePoints(const std::vector<PointId>& ids, uint64_t seq) {
  std::lock_guard lock(writer_);
  WriteBatch batch(0, spec_.vectors.size());
  for (const PointId& id : ids) {
    const RowRef old = segments_.find(id);
    if (!old.found() || old.segment->seq(old.row) >= seq) continue;
    batch.replaced.push_back(old);
  }
  for (const RowRef& old : batch.replaced) changes_.noteDelete(old.segment->id(old.row), old, seq);
  VICINAL_TRY(writeRows(batch, true));
  advance(seq);
  return Status::ok();
}

Status Shard::setPayloads(const UpsertColumns& columns) {
  std::lock_guard lock(writer_);
  std::vector<std::pair<RowRef, uint32_t>> changed;
  for (uint32_t point = 0; point < columns.ids.size(); point++) {
    const RowRef row = segments_.find(columns.ids[point]);
    if (row.found() && row.segment->seq(row.row) < columns.seq) changed.emplace_back(row, point);
  }
  if (!changed.empty()) {
    std::unique_lock overlays(segments_.overlays());
    const uint64_t tick = segments_.nextTick();
    for (const auto& [row, point] : changed) {
      const std::string_view text = columns.payload(point);
      row.segment->payloads().setOverlay(row.row, {columns.seq, tick, std::string(text)});
    }
    segments_.commit(nullptr, {});
  }
  for (const auto& [row, point] : changed)
    changes_.notePayload(columns.ids[point], row, columns.seq, columns.payload(point).size());
  advance(columns.seq);
  return Status::ok();
}

void Shard::advance(uint64_t seq) {
  uint64_t seen = seq_.load();
  while (seen < seq && !seq_.compare_exchange_weak(seen, seq)) {
  }
}

} // namespace vicinal
