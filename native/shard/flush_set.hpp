// Which points changed since the table had them, in the order of their first change. A live point's
// row carries a dirty bit; a deleted one is in `deletes_`. `changes_` may name a point that neither
// says is dirty any more (it was taken under an earlier entry): such an entry is passed over when
// its turn comes.
//
// All of it is the writer's (the shard's writer lock), but `complete` and the two counters.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "shard/segment_set.hpp"

namespace vicinal {

// One change as taken: the row it is in, or the sequence number of its delete.
struct TakenChange {
  PointId id;
  uint64_t firstSeq = 0;
  RowRef row;
  uint64_t deletedSeq = 0;
};

class FlushSet {
public:
  FlushSet(const SegmentSet& segments, bool enabled) : segments_(segments), enabled_(enabled) {}

  bool isEnabled() const { return enabled_; }
  uint64_t dirty() const { return dirty_.load(std::memory_order_relaxed); }
  uint64_t dirtyBytes() const { return dirtyBytes_.load(std::memory_order_relaxed); }
  // That it takes itself, about.
  uint64_t bytes() const { return dirty() * sizeof(Change); }

  // The point gets a row that is not yet published, in place of `old` (not found: it had none). The
  // new row must be marked dirty where this says so.
  bool noteRow(const PointId& id, const RowRef& old, uint64_t seq, uint64_t bytes);
  // The payload of a live row changed.
  void notePayload(const PointId& id, const RowRef& row, uint64_t seq, uint64_t bytes);
  // The live row `old` is deleted.
  void noteDelete(const PointId& id, const RowRef& old, uint64_t seq);

  // Takes operations from the oldest on until they have about `maxBytes`. An operation is taken
  // whole unless it takes more than four times that. All changes up to and with `throughSeq` have
  // been taken then; `shardSeq` is the number of the shard's last operation. False where nothing is
  // dirty.
  bool take(uint64_t maxBytes, uint64_t shardSeq, uint64_t& throughSeq);
  const std::vector<TakenChange>& taken() const { return taken_; }
  void restore();
  // Anyone's: it must not wait for a write, for its caller is the JavaScript thread.
  void complete() {
    std::lock_guard lock(takenMutex_);
    taken_.clear();
  }

  // What another set has, whose points are in these segments now; while no flush is under way.
  void takeOver(const FlushSet& from) {
    changes_ = from.changes_;
    deletes_ = from.deletes_;
    dirty_ = from.dirty_.load();
    dirtyBytes_ = from.dirtyBytes_.load();
  }

private:
  struct Change {
    PointId id;
    uint64_t firstSeq;
  };
  struct IdHash {
    size_t operator()(const PointId& id) const { return id.hash(); }
  };

  void push(const PointId& id, uint64_t seq, uint64_t bytes);
  uint64_t bytesOf(const RowRef& row) const;
  uint64_t vectorBytesOf(const RowRef& row) const;
  void forget(uint64_t bytes);
  // The dirty row is another from now on, or none.
  void unpush(const RowRef& row);

  const SegmentSet& segments_;
  const bool enabled_;
  std::deque<Change> changes_;
  std::unordered_map<PointId, uint64_t, IdHash> deletes_;
  std::mutex takenMutex_;
  std::vector<TakenChange> taken_;
  std::atomic<uint64_t> dirty_{0};
  std::atomic<uint64_t> dirtyBytes_{0};
};

} // namespace vicinal
