// The segments of a shard and what makes its writes atomic for readers.
//
// A write stages rows in the active segment (invisible: they are beyond every reader's count), then
// commits: with the look-ups by id locked out it moves ids to their new rows, stamps the old rows
// with the next tick, and publishes tick and row count together. A reader that took its snapshot
// before sees the old rows, one after sees the new ones, and nobody sees both or neither.
//
// Threads: `find`, `writable`, `lockLookup`, `commit`, `freeze`, `add`, `drop` are the writer's
// (the shard's writer lock). `snapshot` and `locate` are anyone's.
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

  // Those of segments made from now on; the writer's.
  const std::vector<VectorSpec>& vectors() const { return vectors_; }
  void setVectors(std::vector<VectorSpec> vectors) { vectors_ = std::move(vectors); }

  Snapshot snapshot() const;
  // A snapshot, and where in it the ids are (not found: absent or deleted).
  Snapshot locate(const PointId* ids, size_t count, std::vector<RowRef>& rows) const;
  // Nothing where a writer would have to be waited for.
  std::optional<Snapshot> tryLocate(const PointId* ids, size_t count,
                                    std::vector<RowRef>& rows) const;

  // The live row of an id, as the last commit left it.
  RowRef find(const PointId& id) const;
  // The active segment, prepared for the batch. Freezes the present one where it is full, or keeps
  // vectors narrower than these, or wider than all there have been.
  // Where waiting is refused and that would take long: CANCELLED, and nothing is changed.
  Result<Segment*> writable(const WriteBatch& batch, Waiting waiting = Waiting::Allowed);
  // Held by whoever commits. Without waiting it may be none.
  using LookupLock = std::unique_lock<std::shared_mutex>;
  LookupLock lockLookup() const { return LookupLock(*lookup_); }
  LookupLock tryLockLookup() const { return LookupLock(*lookup_, std::try_to_lock); }
  // Publishes what is staged in `appended` (may be null) and tombstones `replaced`, as one change.
  // It cannot fail, and needs no memory where `expect` was told before.
  void expect(Segment* appended, const std::vector<RowRef>& replaced);
  void commit(Segment* appended, const std::vector<RowRef>& replaced, const LookupLock& lock);

  // Segments made from now on have these payload indexes.
  void setIndexFields(std::vector<IndexField> fields) { indexFields_ = std::move(fields); }
  const std::vector<IndexField>& indexFields() const { return indexFields_; }

  // What the next commit's tick will be; overlays are stamped with it.
  uint64_t nextTick() const { return tick_ + 1; }
  std::shared_mutex& overlays() const { return *overlays_; }

  // The number of the segment that was active, or -1 where it was empty.
  int64_t freeze();
  // Adds an opened segment behind the others; the last one may go on taking rows.
  void add(std::shared_ptr<Segment> segment, bool active);
  void drop(uint32_t number);
  std::shared_ptr<Segment> segment(uint32_t number) const;
  // The segment that takes rows, or null.
  Segment* active() const { return active_.load(std::memory_order_relaxed); }
  uint32_t takeNumber() { return nextNumber_++; }
  uint64_t livePoints() const;

  // Goes on where another set ended, whose segments these are in other shapes: readers of both see
  // what each saw, and locks are common to them. Neither set has an active segment any more.
  void takeOver(SegmentSet& from, std::shared_ptr<const SegmentList> segments);

private:
  // Under the lookup's lock, shared.
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
  // Rows that a commit finds replaced by its own.
  std::vector<uint32_t> superseded_;
  std::atomic<Segment*> active_{nullptr};

  // Held exclusively by commits, shared by look-ups of ids.
  std::shared_ptr<std::shared_mutex> lookup_ = std::make_shared<std::shared_mutex>();
  // Guards the three below, for the length of a few assignments.
  mutable std::mutex view_;
  std::shared_ptr<const SegmentList> segments_ = std::make_shared<SegmentList>();
  uint64_t tick_ = 1;
  uint32_t lastRows_ = 0;
};

} // namespace vicinal
