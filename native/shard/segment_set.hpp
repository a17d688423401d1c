// The segments of a shard, and the commit that makes writes atomic for readers.
//
// A write stages rows in the active segment, beyond every reader's count. The commit then locks out
// id lookups and moves ids to their new rows. It stamps the old rows with the next tick, and
// publishes tick and row count together. A snapshot from before sees the old rows, one from after
// sees the new rows, and none sees both or neither.
//
// Threads: `find`, `writable`, `lockLookup`, `commit`, `freeze`, `add`, `drop` are for the writer
// (the shard's writer lock). Any thread may call `snapshot` and `locate`.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "search/row_block.hpp"
#include "segment/snapshot.hpp"
#include "shard/row_widths.hpp"

namespace vicinal {

class SegmentSet {
public:
  SegmentSet(std::vector<VectorSpec> vectors, std::vector<SparseSpec> sparse,
             uint64_t segmentBytes);

  // The specs of segments made from now on; for the writer only.
  const std::vector<VectorSpec>& vectors() const { return vectors_; }
  void setVectors(std::vector<VectorSpec> vectors) { vectors_ = std::move(vectors); }

  Snapshot snapshot() const;
  // Takes a snapshot and finds the rows of the ids in it (not found: absent or deleted).
  Snapshot locate(const PointId* ids, size_t count, std::vector<RowRef>& rows) const;
  // Like `locate`; nothing if a writer holds the lock.
  std::optional<Snapshot> tryLocate(const PointId* ids, size_t count,
                                    std::vector<RowRef>& rows) const;

  // The live row of an id after the last commit.
  RowRef find(const PointId& id) const;
  // The active segment, prepared for the batch. Begins a new segment if the present one is full, or
  // if its datatypes are too narrow for the batch or wider than needed. With waiting refused,
  // CANCELLED without effect if it would take long.
  Result<Segment*> writable(const WriteBatch& batch, Waiting waiting = Waiting::Allowed);
  // Held by a committing writer. `tryLockLookup` does not wait and may return no lock.
  using LookupLock = std::unique_lock<std::shared_mutex>;
  LookupLock lockLookup() const { return LookupLock(*lookup_); }
  LookupLock tryLockLookup() const { return LookupLock(*lookup_, std::try_to_lock); }
  // Publishes the rows staged in `appended` (may be null) and tombstones `replaced`, as one change.
  // It cannot fail. It needs no memory if `expect` was called before.
  void expect(Segment* appended, const std::vector<RowRef>& replaced);
  void commit(Segment* appended, const std::vector<RowRef>& replaced, const LookupLock& lock);

  // Segments made from now on have these payload indexes.
  void setIndexFields(std::vector<IndexField> fields) { indexFields_ = std::move(fields); }
  const std::vector<IndexField>& indexFields() const { return indexFields_; }

  // The tick of the next commit; overlays are stamped with it.
  uint64_t nextTick() const { return tick_ + 1; }
  std::shared_mutex& overlays() const { return *overlays_; }

  // Freezes the active segment. Returns its number, or -1 if it was empty.
  int64_t freeze();
  // Adds an opened segment behind the others; the last one may become active.
  void add(std::shared_ptr<Segment> segment, bool active);
  void drop(uint32_t number);
  std::shared_ptr<Segment> segment(uint32_t number) const;
  // The segment that takes rows, or null.
  Segment* active() const { return active_.load(std::memory_order_relaxed); }
  uint32_t takeNumber() { return nextNumber_++; }
  uint64_t livePoints() const;

  // Continues another set, of which these segments are reshaped copies. Snapshots of both sets see
  // the same rows, and both sets share their locks. Neither has an active segment afterwards.
  void takeOver(SegmentSet& from, std::shared_ptr<const SegmentList> segments);

private:
  // Call with the lookup lock held, shared.
  Snapshot locateAll(const PointId* ids, size_t count, std::vector<RowRef>& rows) const;
  void publishList(std::shared_ptr<const SegmentList> list);
  void leaveUnsuited();

  std::vector<VectorSpec> vectors_;
  const std::vector<SparseSpec> sparse_;
  RowWidths widths_;
  const uint64_t segmentBytes_;
  std::shared_ptr<std::shared_mutex> overlays_ = std::make_shared<std::shared_mutex>();
  std::vector<IndexField> indexFields_;
  uint32_t nextNumber_ = 0;
  // Working memory of `commit`: older rows of the segment that the new rows replace.
  std::vector<uint32_t> superseded_;
  std::atomic<Segment*> active_{nullptr};

  // Held exclusively by commits, shared by id lookups.
  std::shared_ptr<std::shared_mutex> lookup_ = std::make_shared<std::shared_mutex>();
  // Guards the three fields below for a few assignments.
  mutable std::mutex view_;
  std::shared_ptr<const SegmentList> segments_ = std::make_shared<SegmentList>();
  uint64_t tick_ = 1;
  uint32_t lastRows_ = 0;
};

} // namespace vicinal
