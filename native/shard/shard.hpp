// All rows of one collection: segments, the set of changes that the table lacks, and index
// building. The operations are those of src/native/addon.ts; each file shard_*.cpp has a group of
// them.
//
// Threads: a write holds `writer_`, so there is one at a time. Reads take a snapshot and hold no
// lock.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.hpp"
#include "search/recall_meter.hpp"
#include "search/row_block.hpp"
#include "search/search_pace.hpp"
#include "search/walk_length.hpp"
#include "segment/segment_reader.hpp"
#include "shard/columns.hpp"
#include "shard/flush_set.hpp"
#include "shard/indexer.hpp"
#include "shard/segment_set.hpp"
#include "shard/sparse_indexer.hpp"

namespace vicinal {

struct ShardSpec {
  std::vector<VectorSpec> vectors;
  // Sparse vectors are numbered after the dense ones.
  std::vector<SparseSpec> sparse;
  uint64_t segmentBytes = 0;
  // Whether changes are recorded for takeFlush.
  bool trackChanges = true;

  size_t vectorCount() const { return vectors.size() + sparse.size(); }
};

// The files of a segment, and the state that they hold.
struct SegmentFiles {
  FileStamp base;
  std::optional<FileStamp> overlay;
  uint32_t rows = 0;
  std::vector<uint32_t> linked;
  uint32_t deletedRows = 0;
  uint64_t overlayChanges = 0;
  // One for each dense vector.
  std::vector<std::shared_ptr<const Calibration>> measured;
  std::shared_ptr<const FiledSegment> filed;

  // Whether a vector has other codes than the file.
  bool hasOtherCodes(const Segment& segment) const;
  // Whether a vector has other codes, or a newer calibration, than the file.
  bool isMeasuredAnew(const Segment& segment) const;
};

struct CheckpointResult {
  struct Entry {
    uint32_t number = 0;
    FileStamp base;
    std::optional<FileStamp> overlay;
  };
  uint64_t throughSeq = 0;
  std::vector<Entry> segments;
};

struct ShardStats {
  struct Vectors {
    uint64_t live = 0;
    uint64_t indexed = 0;
    // Of the indexed ones, those in a graph or in postings.
    uint64_t graphed = 0;
    uint64_t graphBytes = 0;
    uint64_t vectorBytes = 0;
    uint64_t codeBytes = 0;
    bool isCalibrating = false;
    // Of the segment that was calibrated on the fewest live queries.
    std::optional<Calibration::Samples> samples;
    RecallMeter::Reading recall;
  };
  struct SegmentStats {
    uint32_t number = 0;
    bool isActive = false;
    bool isLeft = false;
    uint32_t rows = 0;
    uint32_t deleted = 0;
    uint64_t bytes = 0;
    uint32_t checkpointedRows = 0;
    uint32_t overlayRows = 0;
    // A calibration, or a choice of codes, is newer than the segment's files.
    bool isMeasuredAnew = false;
  };
  uint64_t seq = 0;
  uint64_t points = 0;
  // Payloads of all rows as they were appended, and their changes.
  uint64_t payloadBytes = 0;
  uint64_t dirty = 0;
  uint64_t dirtyBytes = 0;
  std::vector<Vectors> vectors;
  std::vector<SegmentStats> segments;
  struct Index {
    std::string field;
    PayloadIndexKind kind = PayloadIndexKind::Keyword;
    uint64_t points = 0;
  };
  std::vector<Index> payloadIndexes;
};

struct WriteBatch;

class Shard {
public:
  Shard(ShardSpec spec, ThreadPool& pool);
  ~Shard();

  // ---- other vectors (shard_reshape.cpp)

  // Makes a shard of the same rows with the vectors of `spec`. Vectors that `from` has by name are
  // shared; the others are missing in all rows. Vectors that only `from` has disappear with it.
  // From now on only the new shard may be written, flushed or checkpointed. `from` stays readable,
  // and builds no graph unless it is enabled again. Waits for a slice of building, so call it from
  // a thread outside the pool, while nothing else changes `from`.
  static Result<std::shared_ptr<Shard>> reshaped(Shard& from, ShardSpec spec);

  const ShardSpec& spec() const { return spec_; }
  SearchPace& pace(uint32_t vector) { return paces_[vector]; }
  WalkLength& walkLength(uint32_t vector) { return walkLengths_[vector]; }
  FilteredPace& filteredPace(uint32_t vector) { return filteredPaces_[vector]; }
  // Pace of the sparse vector with this number among all vectors: nanoseconds for a posting.
  SearchPace& sparsePace(uint32_t vector) { return sparsePaces_[vector - spec_.vectors.size()]; }
  RecallMeter& meter(uint32_t vector) { return meters_[vector]; }
  // Measures the recall of up to `most` recent queries, and returns how many. It stops early if
  // other tasks wait for a thread or the time is up. Starts a calibration on these queries if
  // needed. Runs on the pool's build lane.
  Result<uint32_t> measureRecall(uint32_t vector, uint32_t most);
  Snapshot snapshot() const { return segments_.snapshot(); }
  Snapshot locate(const std::vector<PointId>& ids, std::vector<RowRef>& rows) const {
    return segments_.locate(ids.data(), ids.size(), rows);
  }
  std::optional<Snapshot> tryLocate(const std::vector<PointId>& ids,
                                    std::vector<RowRef>& rows) const {
    return segments_.tryLocate(ids.data(), ids.size(), rows);
  }

  // ---- writes (shard_write.cpp)

  // With waiting refused, CANCELLED without effect if a lock is held or a segment must be made.
  Status upsert(const UpsertColumns& columns, Waiting waiting = Waiting::Allowed);
  Status updateVectors(const UpsertColumns& columns);
  Status deleteVectors(const std::vector<PointId>& ids, const std::vector<uint32_t>& vectors,
                       uint64_t seq);
  Result<uint32_t> deletePoints(const std::vector<PointId>& ids, uint64_t seq);
  Status setPayloads(const UpsertColumns& columns);
  void advance(uint64_t seq);

  // ---- flush (shard_flush.cpp)

  // Zero rows if nothing is dirty.
  Status takeFlush(uint64_t maxBytes, TableRows& rows);
  void restoreFlush();
  void completeFlush();
  // The position of the first row with a wrong checksum, or -1.
  int64_t verifyRows(const TableView& rows) const;
  // Computes the rows' checksums; false if their offsets do not ascend.
  bool checksums(const TableView& rows, Buffer<uint32_t>& crcs) const;
  Status loadRows(const TableView& rows);

  // ---- segment files (shard_checkpoint.cpp)
  Result<uint32_t> openSegment(const SegmentSource& source, bool resume);
  // One at a time. Waits for writing and fsync, so call it from a thread outside the pool.
  Result<CheckpointResult> checkpoint(const std::string& folder);
  // Frees memory, now and from now on: everything that files back is left to them, except pinned
  // parts. With `everything` also graphs and codes; that waits for running linking and coding.
  Status shed(bool everything);

  // ---- payload indexes (shard_indexes.cpp)
  Status createPayloadIndex(const IndexField& field);
  void dropPayloadIndex(const std::string& field);

  // ---- maintenance (shard_maintenance.cpp)
  ShardStats stats() const;
  // Reads the page table of all regions, some milliseconds for each gigabyte, so it belongs on the
  // pool.
  MemoryTable memory() const;
  uint64_t tailBytes() const;
  Indexer& indexer() { return *indexer_; }
  // Calls `done`, from any thread, once all vector indexes have caught up with the present rows.
  void waitForIndex(Indexer::Done done);
  int64_t freeze();
  // Sets the specs of segments made from now on; they may differ from the shard's only in how
  // segments are built. Freezes the active segment. Returns the greatest segment number, or -1.
  Result<int64_t> configure(std::vector<VectorSpec> vectors);
  Result<uint32_t> moveRows(uint32_t segment, uint32_t maxRows);
  Status dropSegment(uint32_t segment);
  std::vector<std::string> validate();

private:
  Status measure(RecallMeter& meter, uint32_t vector, const RecallMeter::Query& query);
  void followCallers(uint32_t vector);
  // Publishes the batch. `isChange`: its rows are changes that the table lacks. Call with the
  // writer's lock held; `lookup` is the held lookup lock if waiting is not allowed.
  Status upsertHeld(const UpsertColumns& columns, SegmentSet::LookupLock lookup);
  Status writeRows(WriteBatch& batch, bool isChange, SegmentSet::LookupLock lookup = {});
  WriteBatch newBatch(size_t mostRows) const;
  Status collectTaken(TableRows& rows) const;
  Status linkLeft() const;

  struct Plan;
  void addFileStats(const Segment& segment, ShardStats::SegmentStats& stats) const;
  std::vector<Plan> captureChanges(uint64_t& throughSeq);
  Status writeSegments(const std::string& folder, std::vector<Plan>& plans, Indexer::Pause& pause);
  using Cool = Status (*)(Segment&, const FiledSegment&, Cooling);
  Status coolSegments(Cool cool) const;
  // Loads the index from a file beside the segment's. Null if the segment has no file or the index
  // belongs in memory.
  std::shared_ptr<PayloadIndex> filedIndex(const Segment& segment, const IndexField& field) const;
  // Replaces indexes that belong on disk by those in files beside the segments.
  void fileIndexes();
  bool putFiled(const std::shared_ptr<Segment>& segment, const IndexField& field);

  // Takes over files that have all of a segment and nothing of a dropped vector; they fit the new
  // shape too.
  void takeFiles(const Shard& from);
  Status takeFrom(Shard& from);

  const ShardSpec spec_;
  ThreadPool& pool_;
  // One for each vector; deques, because the elements never move.
  std::deque<SearchPace> paces_;
  std::deque<WalkLength> walkLengths_;
  std::deque<FilteredPace> filteredPaces_;
  std::deque<RecallMeter> meters_;
  // One for each sparse vector.
  std::deque<SearchPace> sparsePaces_;
  mutable std::mutex writer_;
  SegmentSet segments_;
  FlushSet changes_;
  std::atomic<uint64_t> seq_{0};
  std::shared_ptr<Indexer> indexer_;
  SparseIndexer sparseIndexer_;
  std::mutex checkpoint_;
  // Set for good once memory was short.
  std::atomic<bool> isFrugal_{false};
  // The files of each segment; guarded by `files_`.
  mutable std::mutex files_;
  std::unordered_map<uint32_t, SegmentFiles> segmentFiles_;
};

} // namespace vicinal
