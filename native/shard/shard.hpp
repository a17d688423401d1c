// All rows of one collection: its segments, the set of changes the table lacks, and graph building.
// The operations are those of src/native/addon.ts; each file shard_*.cpp has a group of them.
//
// Threads: writes hold `writer_`, one at a time. Reads take a snapshot and hold nothing.
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
  // Behind the others wherever vectors are counted.
  std::vector<SparseSpec> sparse;
  uint64_t segmentBytes = 0;
  // Whether what changes is remembered for takeFlush.
  bool trackChanges = true;

  size_t vectorCount() const { return vectors.size() + sparse.size(); }
};

// The files of a segment, and the state they hold.
struct SegmentFiles {
  FileStamp base;
  std::optional<FileStamp> overlay;
  uint32_t rows = 0;
  std::vector<uint32_t> linked;
  uint32_t deletedRows = 0;
  uint64_t overlayChanges = 0;
  // Of each dense vector.
  std::vector<std::shared_ptr<const Calibration>> measured;
  std::shared_ptr<const FiledSegment> filed;

  // Whether a vector has other codes now than in the file.
  bool hasOtherCodes(const Segment& segment) const;
  // Whether that is so, or what recall costs was measured anew.
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
    // What recall costs was measured, or codes were chosen, since its files were written.
    bool isMeasuredAnew = false;
  };
  uint64_t seq = 0;
  uint64_t points = 0;
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

  // A shard of the same rows with the vectors of `spec`: those that `from` has by name as they are,
  // rows lack the others. What `from` has beyond goes with it. From now on only one of the two may
  // be written, flushed or checkpointed; `from` is read as of now, and builds no graph unless it is
  // enabled again. Blocks while a slice of building ends: not for a thread of the pool. While
  // nothing else changes `from`.
  static Result<std::shared_ptr<Shard>> reshaped(Shard& from, ShardSpec spec);

  const ShardSpec& spec() const { return spec_; }
  SearchPace& pace(uint32_t vector) { return paces_[vector]; }
  WalkLength& walkLength(uint32_t vector) { return walkLengths_[vector]; }
  FilteredPace& filteredPace(uint32_t vector) { return filteredPaces_[vector]; }
  // Of the sparse vector of this index among all vectors: nanoseconds a posting.
  SearchPace& sparsePace(uint32_t vector) { return sparsePaces_[vector - spec_.vectors.size()]; }
  RecallMeter& meter(uint32_t vector) { return meters_[vector]; }
  // Of some of the queries asked lately, as many as were measured: at most so many, and fewer where
  // others wait for a thread or a time is up. Calibrates on such queries where that is called for.
  // On the pool's build lane.
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

  // Where waiting is refused and somebody would have to be waited for, or a segment has to be made:
  // CANCELLED, and nothing is changed.
  Status upsert(const UpsertColumns& columns, Waiting waiting = Waiting::Allowed);
  Status updateVectors(const UpsertColumns& columns);
  Status deleteVectors(const std::vector<PointId>& ids, const std::vector<uint32_t>& vectors,
                       uint64_t seq);
  Result<uint32_t> deletePoints(const std::vector<PointId>& ids, uint64_t seq);
  Status setPayloads(const UpsertColumns& columns);
  void advance(uint64_t seq);

  // ---- flush (shard_flush.cpp)

  // Zero rows where nothing is dirty.
  Status takeFlush(uint64_t maxBytes, TableRows& rows);
  void restoreFlush();
  void completeFlush();
  // The position of the first row whose checksum is wrong, or -1.
  int64_t verifyRows(const TableView& rows) const;
  // What the checksums of the rows are to be; false where their offsets do not ascend.
  bool checksums(const TableView& rows, Buffer<uint32_t>& crcs) const;
  Status loadRows(const TableView& rows);

  // ---- segment files (shard_checkpoint.cpp)
  Result<uint32_t> openSegment(const SegmentSource& source, bool resume);
  // One at a time. Blocks for as long as writing and fsync take: not for a thread of the pool.
  Result<CheckpointResult> checkpoint(const std::string& folder);
  // Gives memory back: whatever files stand behind is left to them, now and from now on, but what
  // is pinned. Graphs and codes too where `everything`: that waits for what is being linked or
  // coded.
  Status shed(bool everything);

  // ---- payload indexes (shard_indexes.cpp)
  Status createPayloadIndex(const IndexField& field);
  void dropPayloadIndex(const std::string& field);

  // ---- maintenance (shard_maintenance.cpp)
  ShardStats stats() const;
  // Reads the page table of all there is: some milliseconds for each gigabyte, so for the pool.
  MemoryTable memory() const;
  uint64_t tailBytes() const;
  Indexer& indexer() { return *indexer_; }
  // Calls back, from any thread, once all indexes over vectors have caught up with what there is
  // now.
  void waitForIndex(Indexer::Done done);
  int64_t freeze();
  // Segments made from now on are built as these say, which differ from the shard's in that alone.
  // Freezes the active segment; returns the greatest number of those there are, or -1.
  Result<int64_t> configure(std::vector<VectorSpec> vectors);
  Result<uint32_t> moveRows(uint32_t segment, uint32_t maxRows);
  Status dropSegment(uint32_t segment);
  std::vector<std::string> validate();

private:
  Status measure(RecallMeter& meter, uint32_t vector, const RecallMeter::Query& query);
  void followCallers(uint32_t vector);
  // Publishes the batch. `isChange`: its rows are changes the table lacks.
  // With the writer's lock held, and that of look-ups where nobody may be waited for.
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
  // From a file of the segment's; null where it has none or the field's index is to be in memory.
  std::shared_ptr<PayloadIndex> filedIndex(const Segment& segment, const IndexField& field) const;
  // Has the indexes that are to be on disk begin with what the segments' files have.
  void fileIndexes();
  bool putFiled(const std::shared_ptr<Segment>& segment, const IndexField& field);

  // Files that have all of a segment and nothing of a dropped vector are files of its new shape
  // too.
  void takeFiles(const Shard& from);
  Status takeFrom(Shard& from);

  const ShardSpec spec_;
  ThreadPool& pool_;
  // One a vector; deques, since they never move.
  std::deque<SearchPace> paces_;
  std::deque<WalkLength> walkLengths_;
  std::deque<FilteredPace> filteredPaces_;
  std::deque<RecallMeter> meters_;
  // One a sparse vector.
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
  // What there is of each segment on disk; guarded by `files_`.
  mutable std::mutex files_;
  std::unordered_map<uint32_t, SegmentFiles> segmentFiles_;
};

} // namespace vicinal
