// Writes: rows are staged beyond every reader's count, then published together with the tombstones
// of the rows that they replace.
#include <algorithm>
#include <tuple>

#include "shard/shard.hpp"
#include "shard/write_batch.hpp"

namespace vicinal {

namespace {

// Walks the columns of a batch together and finds the vectors of each point.
class ColumnCursor {
public:
  ColumnCursor(const UpsertColumns& columns, const std::vector<VectorSpec>& specs)
      : columns_(columns), specs_(specs), next_(columns.vectors.size(), {0, 0}),
        nextSparse_(columns.sparse.size(), 0) {}

  // Points must be read in ascending order, each once.
  void read(uint32_t point) {
    given_.clear();
    givenSparse_.clear();
    for (size_t at = 0; at < columns_.vectors.size(); at++) {
      const auto& column = columns_.vectors[at];
      auto& [position, vector] = next_[at];
      if (!brings(column, point, position)) continue;
      const uint32_t count = column.counts != nullptr ? column.counts[position] : 1;
      const float* const data = column.data + vector * specs_[column.vector].dim;
      given_.emplace_back(column.vector, RowVectors{data, count});
      position++;
      vector += count;
    }
    for (size_t at = 0; at < columns_.sparse.size(); at++) {
      const auto& column = columns_.sparse[at];
      if (brings(column, point, nextSparse_[at]))
        givenSparse_.emplace_back(column.vector, column.at(nextSparse_[at]++));
    }
  }

  // Overwrites the vectors of the batch's next row with those of the point.
  void give(WriteBatch& batch) const {
    for (const auto& [vector, vectors] : given_) batch.nextVectors()[vector] = vectors;
    for (const auto& [vector, sparse] : givenSparse_) batch.nextSparse()[vector] = sparse;
  }

private:
  template <typename Column>
  static bool brings(const Column& column, uint32_t point, uint32_t position) {
    return position < column.count && (column.rows == nullptr || column.rows[position] == point);
  }

  const UpsertColumns& columns_;
  const std::vector<VectorSpec>& specs_;
  struct Place {
    uint32_t position;
    uint64_t vector;
  };
  std::vector<Place> next_;
  std::vector<uint32_t> nextSparse_;
  // By vector.
  std::vector<std::pair<uint32_t, RowVectors>> given_;
  std::vector<std::pair<uint32_t, SparseVector>> givenSparse_;
};

// Reserves overlay entries; entries that were not used are removed.
class ExpectedOverlays {
public:
  ExpectedOverlays() = default;
  ExpectedOverlays(const ExpectedOverlays&) = delete;
  ExpectedOverlays& operator=(const ExpectedOverlays&) = delete;
  ~ExpectedOverlays() {
    for (const RowRef& row : rows_) row.segment->payloads().forgetExpected(row.row);
  }
  void add(const RowRef& row) {
    rows_.push_back(row);
    row.segment->payloads().expectOverlay(row.row);
  }
  void haveCome() { rows_.clear(); }

private:
  std::vector<RowRef> rows_;
};

Status refused() { return {Code::Cancelled, "the write would have to wait"}; }

} // namespace

// If it fails, even by an exception, the shard stays as it was: nothing is published or noted as
// changed.
Status Shard::writeRows(WriteBatch& batch, bool isChange, SegmentSet::LookupLock lookup) {
  Segment* segment = nullptr;
  FlushSet::Noting noting(changes_);
  if (!batch.rows.empty()) {
    auto writable = segments_.writable(batch, lookup ? Waiting::Refused : Waiting::Allowed);
    if (!writable) return writable.status();
    segment = *writable;
    for (size_t at = 0; at < batch.rows.size(); at++) {
      NewRow& row = batch.rows[at];
      if (isChange)
        row.isDirty =
            changes_.noteRow(row.id, batch.old[at], row.seq, batch.bytesOf(at, spec_.vectors));
      segment->append(row);
    }
    segment->indexStaged();
  }
  if (batch.deletedSeq != 0)
    for (const RowRef& old : batch.replaced)
      changes_.noteDelete(old.segment->id(old.row), old, batch.deletedSeq);
  if (!batch.rows.empty() || !batch.replaced.empty()) {
    segments_.expect(segment, batch.replaced);
    if (!lookup) lookup = segments_.lockLookup();
    segments_.commit(segment, batch.replaced, lookup);
    lookup.unlock();
  }
  noting.keep();
  if (!batch.rows.empty()) indexer_->kickFor(batch.rows.size());
  if (!batch.rows.empty()) sparseIndexer_.kick();
  return Status::ok();
}

WriteBatch Shard::newBatch(size_t mostRows) const {
  return WriteBatch(mostRows, spec_.vectors.size(), spec_.sparse.size());
}

Status Shard::upsert(const UpsertColumns& columns, Waiting waiting) {
  std::unique_lock writer(writer_, std::defer_lock);
  if (waiting == Waiting::Allowed) {
    writer.lock();
    return upsertHeld(columns, {});
  }
  // Never waits: not for a writer, an id lookup, or a reader of a payload index.
  if (!spec_.sparse.empty() || !writer.try_lock() || !segments_.indexFields().empty())
    return refused();
  SegmentSet::LookupLock lookup = segments_.tryLockLookup();
  return lookup ? upsertHeld(columns, std::move(lookup)) : refused();
}

Status Shard::upsertHeld(const UpsertColumns& columns, SegmentSet::LookupLock lookup) {
  WriteBatch batch = newBatch(columns.ids.size());
  ColumnCursor cursor(columns, spec_.vectors);
  for (uint32_t point = 0; point < columns.ids.size(); point++) {
    cursor.read(point);
    const RowRef old = segments_.find(columns.ids[point]);
    if (old.found() && old.segment->seq(old.row) >= columns.seq) continue;
    cursor.give(batch);
    batch.add(columns.ids[point], columns.seq, columns.payload(point), old);
  }
  VICINAL_TRY(writeRows(batch, true, std::move(lookup)));
  advance(columns.seq);
  return Status::ok();
}

Status Shard::updateVectors(const UpsertColumns& columns) {
  std::lock_guard lock(writer_);
  WriteBatch batch = newBatch(columns.ids.size());
  ColumnCursor cursor(columns, spec_.vectors);
  for (uint32_t point = 0; point < columns.ids.size(); point++) {
    cursor.read(point);
    const RowRef old = segments_.find(columns.ids[point]);
    if (!old.found() || old.segment->seq(old.row) >= columns.seq) continue;
    batch.keepVectors(*old.segment, old.row);
    cursor.give(batch);
    batch.add(columns.ids[point], columns.seq, old.segment->payload(old.row), old);
  }
  VICINAL_TRY(writeRows(batch, true));
  advance(columns.seq);
  return Status::ok();
}

Status Shard::deleteVectors(const std::vector<PointId>& ids, const std::vector<uint32_t>& vectors,
                            uint64_t seq) {
  std::lock_guard lock(writer_);
  WriteBatch batch = newBatch(ids.size());
  const size_t dense = spec_.vectors.size();
  for (const PointId& id : ids) {
    const RowRef old = segments_.find(id);
    if (!old.found() || old.segment->seq(old.row) >= seq) continue;
    const bool changes = std::any_of(vectors.begin(), vectors.end(), [&](uint32_t vector) {
      return old.segment->hasVector(old.row, vector);
    });
    if (!changes) continue;
    batch.keepVectors(*old.segment, old.row);
    for (const uint32_t vector : vectors) {
      if (vector < dense)
        batch.nextVectors()[vector] = {};
      else
        batch.nextSparse()[vector - dense] = {};
    }
    batch.add(id, seq, old.segment->payload(old.row), old);
  }
  VICINAL_TRY(writeRows(batch, true));
  advance(seq);
  return Status::ok();
}

Result<uint32_t> Shard::deletePoints(const std::vector<PointId>& ids, uint64_t seq) {
  std::lock_guard lock(writer_);
  WriteBatch batch = newBatch(0);
  for (const PointId& id : ids) {
    const RowRef old = segments_.find(id);
    if (!old.found() || old.segment->seq(old.row) >= seq) continue;
    batch.replaced.push_back(old);
  }
  const auto removed = static_cast<uint32_t>(batch.replaced.size());
  batch.deletedSeq = seq;
  VICINAL_TRY(writeRows(batch, true));
  advance(seq);
  return removed;
}

Status Shard::setPayloads(const UpsertColumns& columns) {
  std::lock_guard lock(writer_);
  std::vector<std::pair<RowRef, uint32_t>> changed;
  for (uint32_t point = 0; point < columns.ids.size(); point++) {
    const RowRef row = segments_.find(columns.ids[point]);
    if (row.found() && row.segment->seq(row.row) < columns.seq) changed.emplace_back(row, point);
  }
  if (!changed.empty()) {
    const uint64_t tick = segments_.nextTick();
    // Readers, including the JavaScript thread, wait for this lock. So the texts are made before it
    // is taken, and replaced texts are freed after it is released.
    std::vector<std::shared_ptr<const PayloadOverlay>> made;
    made.reserve(changed.size());
    for (const auto& [row, point] : changed)
      made.push_back(std::make_shared<const PayloadOverlay>(
          PayloadOverlay{columns.seq, tick, std::string(columns.payload(point))}));
    FlushSet::Noting noting(changes_);
    for (const auto& [row, point] : changed)
      changes_.notePayload(columns.ids[point], row, columns.seq, columns.payload(point).size());
    std::unique_lock overlays(segments_.overlays());
    ExpectedOverlays expected;
    for (const auto& [row, point] : changed) expected.add(row);
    for (size_t at = 0; at < changed.size(); at++) {
      const RowRef& row = changed[at].first;
      row.segment->payloads().swapOverlay(row.row, made[at]);
    }
    expected.haveCome();
    segments_.commit(nullptr, {}, segments_.lockLookup());
    noting.keep();
  }
  advance(columns.seq);
  return Status::ok();
}

void Shard::advance(uint64_t seq) {
  uint64_t seen = seq_.load();
  while (seen < seq && !seq_.compare_exchange_weak(seen, seq)) {
  }
}

} // namespace vicinal
