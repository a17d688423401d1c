// Rows of one collection: id, sequence number, payload and, for each named vector, a vector space.
// Rows are appended and never changed: an update appends a row and tombstones the old one. Frozen
// and active segments are the same class; a frozen one just gets no more rows.
//
// Threads
// - One writer at a time (the shard's writer lock) calls `prepare`, `append` and the dirty bits.
// - `publish`, `tombstone` and changes of the id map happen while the shard locks out id lookups.
// - Readers use rows below the count of their snapshot and call `isVisible` with its tick.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/region.hpp"
#include "filter/plan.hpp"
#include "segment/id_columns.hpp"
#include "segment/id_map.hpp"
#include "segment/id_order.hpp"
#include "segment/memory_table.hpp"
#include "segment/payload_store.hpp"
#include "segment/value_spaces.hpp"
#include "segment/vector_space.hpp"
#include "sparse/sparse_space.hpp"

namespace vicinal {

struct IndexField {
  std::string field;
  PayloadIndexKind kind = PayloadIndexKind::Keyword;
  // For text indexes.
  TextOptions text = {};
  // Kept in an index file beside the segment file; in memory until the segment has a file.
  bool isOnDisk = false;
  // Whether frequent values may have graphs of their own.
  bool hasGraphs = true;

  bool operator==(const IndexField&) const = default;
};

// INVALID_ARGUMENT if the field is not a payload path.
Result<std::shared_ptr<PayloadIndex>> createIndex(const IndexField& field);

// A row to append. `vectors` has an entry for each named vector; it is empty if the row lacks the
// vector.
struct NewRow {
  PointId id;
  uint64_t seq = 0;
  std::string_view payload;
  const RowVectors* vectors = nullptr;
  // One entry for each sparse vector.
  const SparseVector* sparse = nullptr;
  bool isDirty = false;
};

// The memory that a batch of rows needs.
struct BatchSize {
  uint32_t rows = 0;
  uint64_t payloadBytes = 0;
  // One count for each named vector.
  std::vector<uint32_t> vertices;
  // Components of each sparse vector.
  std::vector<uint64_t> entries;
};

// Bytes that a row counts in addition to vectors and payload: id, sequence number, offsets, maps.
constexpr uint64_t kRowBytes = 64;

class Segment {
public:
  // Reserves address space for `segmentBytes` of data and, in addition, for `batch`.
  static Result<std::shared_ptr<Segment>> create(uint32_t number,
                                                 const std::vector<VectorSpec>& vectors,
                                                 const std::vector<SparseSpec>& sparse,
                                                 uint64_t segmentBytes, const BatchSize& batch);
  // Makes a segment of the same rows with exactly the vectors named here. Neither segment takes new
  // rows afterwards. Both may be read; one of the two shards may write.
  static Result<std::shared_ptr<Segment>> reshaped(const Segment& from,
                                                   const std::vector<VectorSpec>& vectors,
                                                   const std::vector<SparseSpec>& sparse);

  uint32_t number() const { return number_; }
  uint32_t rows() const { return rows_.load(std::memory_order_acquire); }
  uint32_t deletedRows() const { return deleted_.load(std::memory_order_acquire); }
  // Rows are published before old rows count as dead. So the dead count is read first; otherwise it
  // could exceed the row count.
  uint32_t liveRows() const {
    const uint32_t dead = deletedRows();
    return rows() - dead;
  }
  // Marks a segment with few rows that should be moved to a later segment.
  void leave() { isLeft_.store(true, std::memory_order_relaxed); }
  bool isLeft() const { return isLeft_.load(std::memory_order_relaxed); }
  // Bytes of vectors and payloads, plus a constant for each row.
  uint64_t dataBytes() const;
  // Adds the segment's memory to the table. Holds `lookup`, shared, while it counts the id map.
  void tally(const MemoryTally& tally, std::shared_mutex& lookup, MemoryTable& table) const;
  // Drop resident pages that files back. `shedData` drops vectors and payloads and may run at any
  // time. `shedIndex` drops graphs, codes and maps and needs all graph building paused.
  void shedData();
  void shedIndex();

  // ---- the writer
  bool hasRoom(const BatchSize& batch) const;
  // Whether `prepare` and `append` are fast, because they touch only the rows of the batch.
  bool isPreparedSoon(const BatchSize& batch) const;
  // Makes room and discards rows that an earlier batch appended but did not publish. After this,
  // `append` cannot fail.
  Status prepare(const BatchSize& batch);
  uint32_t append(const NewRow& row);
  // Rows [published, staged) are the current batch.
  uint32_t stagedRows() const { return staged_; }
  // Puts a larger id map, made by `prepare`, in place. Call with lookups locked out.
  void adoptIds() { idMap_.adopt(); }
  // Maps the id of a staged row to this row. Returns the id's previous row in this segment, or
  // kNoRow.
  uint32_t putId(uint32_t row) { return idMap_.put(ids_, row); }
  // Neither needs memory if `expectDead` was called for the rows that die.
  void publish();
  void tombstone(uint32_t row, uint64_t tick);
  void expectDead(size_t rows);

  // ---- readers
  PointId id(uint32_t row) const { return ids_.at(row); }
  // Prefetches for `id`.
  void prefetchId(uint32_t row) const { ids_.prefetch(row); }
  uint32_t find(const PointId& id) const { return idMap_.find(ids_, id); }
  uint64_t deletedAt(uint32_t row) const {
    auto& tick = const_cast<uint64_t&>(deletedAt_[row]);
    return std::atomic_ref<uint64_t>(tick).load(std::memory_order_relaxed);
  }
  bool isVisible(uint32_t row, uint64_t tick) const {
    const uint64_t deleted = deletedAt(row);
    return deleted == 0 || deleted > tick;
  }
  // All rows below it are dead. Only the writer calls this; the value advances as rows die.
  uint32_t firstLiveRow() {
    while (firstLive_ < rows() && deletedAt(firstLive_) != 0) firstLive_++;
    return firstLive_;
  }
  uint64_t baseSeq(uint32_t row) const { return seqs_[row]; }
  // The sequence number of the row's last change. For the writer, or with the overlays' mutex held.
  uint64_t seq(uint32_t row) const {
    const PayloadOverlay* overlay = payloads_.overlay(row);
    return overlay == nullptr ? seqs_[row] : overlay->seq;
  }
  // The row's payload, under the same conditions.
  std::string_view payload(uint32_t row) const {
    const PayloadOverlay* overlay = payloads_.overlay(row);
    return overlay == nullptr ? payloads_.base(row) : std::string_view(overlay->text);
  }

  size_t vectorCount() const { return spaces_.size(); }
  VectorSpace& space(size_t vector) { return *spaces_[vector]; }
  const VectorSpace& space(size_t vector) const { return *spaces_[vector]; }
  const std::shared_ptr<VectorSpace>& sharedSpace(size_t vector) const { return spaces_[vector]; }
  RowVectors vectorsOf(size_t vector, uint32_t row) const {
    const VectorSpace& space = *spaces_[vector];
    const uint32_t first = space.vertexOf(row);
    if (first == kNoVertex) return {};
    return {space.vector(first), space.verticesFrom(first, row), space.spec().datatype};
  }

  // Spaces over the rows of frequent values.
  ValueSpaces& valueSpaces() { return valueSpaces_; }
  // Makes the value space that is due; true if there was one.
  bool beginValueSpace();

  // Null if there is none of that name.
  VectorSpace* spaceNamed(const std::string& name) const;
  SparseSpace* sparseNamed(const std::string& name) const;

  size_t sparseCount() const { return sparse_.size(); }
  SparseSpace& sparse(size_t vector) { return *sparse_[vector]; }
  const SparseSpace& sparse(size_t vector) const { return *sparse_[vector]; }
  // Whether the row has the vector; sparse vectors follow the dense ones.
  bool hasVector(uint32_t row, size_t vector) const {
    return vector < spaces_.size() ? spaces_[vector]->vertexOf(row) != kNoVertex
                                   : vector - spaces_.size() < sparse_.size() &&
                                         sparse_[vector - spaces_.size()]->has(row);
  }

  PayloadStore& payloads() { return payloads_; }
  const PayloadStore& payloads() const { return payloads_; }
  const IdColumns& ids() const { return ids_; }
  const IdMap& idMap() const { return idMap_; }
  // The first rows in id order.
  IdOrder::Rows idOrder(uint32_t rows) const { return idOrder_.of(ids_, rows); }

  // ---- payload indexes: for the writer only, except `indexes`

  // Makes an index over the present rows. Replaces an index of the same field.
  Status addIndex(const IndexField& field);
  void adoptIndex(std::shared_ptr<PayloadIndex> index);
  void dropIndex(const std::string& field);
  // Indexes the staged rows. If it throws, all indexes of the segment are removed, since they may
  // contain rows that will be overwritten. `lacksIndex` is then true for each field until the index
  // is added again.
  void indexStaged();
  bool lacksIndex(const std::string& field) const;
  std::shared_ptr<const PayloadIndexes> indexes() const;
  // Indexes rows [index.covered(), to) with their base payloads.
  void extendIndex(PayloadIndex& index, uint32_t to) const;

  // ---- changed and not flushed: for the writer only
  bool isDirty(uint32_t row) const { return (dirty_[row / 64] >> (row % 64) & 1) != 0; }
  void setDirty(uint32_t row) { dirty_[row / 64] |= uint64_t(1) << (row % 64); }
  void clearDirty(uint32_t row) { dirty_[row / 64] &= ~(uint64_t(1) << (row % 64)); }

private:
  friend class SegmentReader;

  // Everything except vectors. If a shard is reshaped, segments of both shards share it.
  struct Rows {
    IdColumns ids;
    IdMap idMap;
    IdOrder idOrder;
    RegionArray<uint64_t> seqs;
    // The tick at which the row was tombstoned; 0: never.
    RegionArray<uint64_t> deletedAt;
    RegionArray<uint64_t> dirty;
    PayloadStore payloads;
    std::atomic<uint32_t> rows{0};
    std::atomic<uint32_t> deleted{0};
    uint32_t staged = 0;
    uint32_t firstLive = 0;
    uint64_t rowCapacity = 0;
    std::vector<std::shared_ptr<PayloadIndex>> writableIndexes;
    std::mutex indexesMutex;
    const std::shared_ptr<const PayloadIndexes> noIndexes = std::make_shared<PayloadIndexes>();
    std::shared_ptr<const PayloadIndexes> indexes = noIndexes;
  };

  Segment(uint32_t number, std::shared_ptr<Rows> rows)
      : number_(number), shared_(std::move(rows)) {}
  Status reserve(const std::vector<VectorSpec>& vectors, const std::vector<SparseSpec>& sparse,
                 uint64_t segmentBytes, const BatchSize& batch);
  Status addSpace(const VectorSpec& spec, uint64_t vertices);
  Status addSparse(const SparseSpec& spec, uint64_t entries);
  void useIndexes(std::vector<std::shared_ptr<PayloadIndex>> indexes);
  std::vector<std::shared_ptr<PayloadIndex>> indexesBut(const std::string& field) const;
  Status growRows(uint64_t rows, uint64_t payloadBytes);

  const uint32_t number_;
  const std::shared_ptr<Rows> shared_;
  IdColumns& ids_ = shared_->ids;
  IdMap& idMap_ = shared_->idMap;
  IdOrder& idOrder_ = shared_->idOrder;
  RegionArray<uint64_t>& seqs_ = shared_->seqs;
  RegionArray<uint64_t>& deletedAt_ = shared_->deletedAt;
  RegionArray<uint64_t>& dirty_ = shared_->dirty;
  PayloadStore& payloads_ = shared_->payloads;
  std::vector<std::shared_ptr<VectorSpace>> spaces_;
  std::vector<std::shared_ptr<SparseSpace>> sparse_;
  ValueSpaces valueSpaces_;
  std::atomic<bool> isLeft_{false};
  std::atomic<uint32_t>& rows_ = shared_->rows;
  std::atomic<uint32_t>& deleted_ = shared_->deleted;
  uint32_t& staged_ = shared_->staged;
  uint32_t& firstLive_ = shared_->firstLive;
  uint64_t& rowCapacity_ = shared_->rowCapacity;
};

} // namespace vicinal
