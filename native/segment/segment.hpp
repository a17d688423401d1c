// Rows of one collection: id, sequence number, payload text and, for each named vector, a vector
// space. Rows are appended and never changed; an update appends a row and tombstones the old one.
// Frozen and active segments are the same class; a frozen one is merely not appended to.
//
// Threads
// - One writer at a time (the shard's writer lock): `prepare`, `append`, dirty bits.
// - `publish`, `tombstone` and the id map's changes happen while the shard locks out those who look
// up ids.
// - Readers use rows below the count of their snapshot and ask `isVisible` with its tick.
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
  // Of a text index.
  TextOptions text = {};
  // In a file beside the segment's, as soon as that is there.
  bool isOnDisk = false;
  // Whether rows of its values may have graphs of their own.
  bool hasGraphs = true;

  bool operator==(const IndexField&) const = default;
};

// INVALID_ARGUMENT where the field is no payload path.
Result<std::shared_ptr<PayloadIndex>> createIndex(const IndexField& field);

// A row about to be appended. `vectors` has an entry for each named vector, empty where the row
// lacks it.
struct NewRow {
  PointId id;
  uint64_t seq = 0;
  std::string_view payload;
  const RowVectors* vectors = nullptr;
  // One for each sparse vector.
  const SparseVector* sparse = nullptr;
  bool isDirty = false;
};

// What a batch of rows needs room for.
struct BatchSize {
  uint32_t rows = 0;
  uint64_t payloadBytes = 0;
  // One count for each named vector.
  std::vector<uint32_t> vertices;
  // Components of each sparse vector.
  std::vector<uint64_t> entries;
};

// Bytes a row counts for beside its vectors and payload: id, sequence number, offsets, maps.
constexpr uint64_t kRowBytes = 64;

class Segment {
public:
  // Reserves for `segmentBytes` of data and, beyond it, for `batch`.
  static Result<std::shared_ptr<Segment>> create(uint32_t number,
                                                 const std::vector<VectorSpec>& vectors,
                                                 const std::vector<SparseSpec>& sparse,
                                                 uint64_t segmentBytes, const BatchSize& batch);
  // The same rows, with those of their vectors that are named here and no others. It takes no rows,
  // and neither does `from` any more; both may be read, and written by one of two shards.
  static Result<std::shared_ptr<Segment>> reshaped(const Segment& from,
                                                   const std::vector<VectorSpec>& vectors,
                                                   const std::vector<SparseSpec>& sparse);

  uint32_t number() const { return number_; }
  uint32_t rows() const { return rows_.load(std::memory_order_acquire); }
  uint32_t deletedRows() const { return deleted_.load(std::memory_order_acquire); }
  // Rows are published before others are counted dead for them: looked at the other way round there
  // may be more dead ones than rows.
  uint32_t liveRows() const {
    const uint32_t dead = deletedRows();
    return rows() - dead;
  }
  // Its rows are few, and belong into the segment that came after it.
  void leave() { isLeft_.store(true, std::memory_order_relaxed); }
  bool isLeft() const { return isLeft_.load(std::memory_order_relaxed); }
  // Vector and payload bytes, and a constant a row.
  uint64_t dataBytes() const;
  // Adds what there is of it. `lookup` is held, shared, while the map of ids is counted.
  void tally(const MemoryTally& tally, std::shared_mutex& lookup, MemoryTable& table) const;
  // Gives back what memory files stand behind: of vectors and payloads at any time, of what leads
  // to them while no graph grows.
  void shedData();
  void shedIndex();

  // ---- the writer
  bool hasRoom(const BatchSize& batch) const;
  // Whether `prepare` and `append` have to look at no row but the batch's.
  bool isPreparedSoon(const BatchSize& batch) const;
  // Makes room and discards what an earlier batch appended and did not publish. After this,
  // `append` cannot fail.
  Status prepare(const BatchSize& batch);
  uint32_t append(const NewRow& row);
  // The rows [published, staged) are the batch.
  uint32_t stagedRows() const { return staged_; }
  // With look-ups locked out: the larger id map that `prepare` may have made is put in place.
  void adoptIds() { idMap_.adopt(); }
  // Row `row`, staged, takes its id. Returns the row that had it in this segment, or kNoRow.
  uint32_t putId(uint32_t row) { return idMap_.put(ids_, row); }
  // Neither needs memory, where `expectDead` was told of so many rows that die.
  void publish();
  void tombstone(uint32_t row, uint64_t tick);
  void expectDead(size_t rows);

  // ---- readers
  PointId id(uint32_t row) const { return ids_.at(row); }
  // Ahead of `id`.
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
  // No live row is below it. The writer's: it moves on as rows die.
  uint32_t firstLiveRow() {
    while (firstLive_ < rows() && deletedAt(firstLive_) != 0) firstLive_++;
    return firstLive_;
  }
  uint64_t baseSeq(uint32_t row) const { return seqs_[row]; }
  // The sequence number of the row's last change. For the writer, or with the overlay's mutex held.
  uint64_t seq(uint32_t row) const {
    const PayloadOverlay* overlay = payloads_.overlay(row);
    return overlay == nullptr ? seqs_[row] : overlay->seq;
  }
  // Its payload text; the same conditions.
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

  // Of those vectors, among the rows of some values.
  ValueSpaces& valueSpaces() { return valueSpaces_; }
  // Makes the one that is due; true where there was one.
  bool beginValueSpace();

  // Null where there is none of that name.
  VectorSpace* spaceNamed(const std::string& name) const;
  SparseSpace* sparseNamed(const std::string& name) const;

  size_t sparseCount() const { return sparse_.size(); }
  SparseSpace& sparse(size_t vector) { return *sparse_[vector]; }
  const SparseSpace& sparse(size_t vector) const { return *sparse_[vector]; }
  // Whether the row has the vector; sparse ones come behind the others.
  bool hasVector(uint32_t row, size_t vector) const {
    return vector < spaces_.size() ? spaces_[vector]->vertexOf(row) != kNoVertex
                                   : vector - spaces_.size() < sparse_.size() &&
                                         sparse_[vector - spaces_.size()]->has(row);
  }

  PayloadStore& payloads() { return payloads_; }
  const PayloadStore& payloads() const { return payloads_; }
  const IdColumns& ids() const { return ids_; }
  const IdMap& idMap() const { return idMap_; }
  // The first rows in the order of their ids.
  IdOrder::Rows idOrder(uint32_t rows) const { return idOrder_.of(ids_, rows); }

  // ---- payload indexes: the writer's, but for `indexes`

  // Over the rows so far. Replaces one of the same field.
  Status addIndex(const IndexField& field);
  void adoptIndex(std::shared_ptr<PayloadIndex> index);
  void dropIndex(const std::string& field);
  // Indexes what is staged. Where it throws the segment has no index any more, since they may know
  // of rows that will be others; it `lacksIndex` of each field until that is added anew.
  void indexStaged();
  bool lacksIndex(const std::string& field) const;
  std::shared_ptr<const PayloadIndexes> indexes() const;
  // Reads what rows [index.covered(), to) were appended with.
  void extendIndex(PayloadIndex& index, uint32_t to) const;

  // ---- changed and not flushed: the writer's
  bool isDirty(uint32_t row) const { return (dirty_[row / 64] >> (row % 64) & 1) != 0; }
  void setDirty(uint32_t row) { dirty_[row / 64] |= uint64_t(1) << (row % 64); }
  void clearDirty(uint32_t row) { dirty_[row / 64] &= ~(uint64_t(1) << (row % 64)); }

private:
  friend class SegmentReader;

  // All but the vectors. Segments of two shards share it where one is the other's in another shape.
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
