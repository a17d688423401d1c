// The points that changed since they were last in the table, in the order of their first change.
// The row of a live changed point has a dirty bit; a deleted point is in `deletes_`. An entry of
// `changes_` may name a point that is not dirty any more, because an earlier entry took it. Such an
// entry is skipped.
//
// Everything belongs to the writer (the shard's writer lock), except `complete` and the two
// counters.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "shard/segment_set.hpp"

namespace vicinal {

// A change as taken: the row of the point, or the sequence number of its delete.
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
  // The approximate memory of the set itself.
  uint64_t bytes() const { return dirty() * sizeof(Change); }

  // Undoes the changes noted during its life, unless `keep` was called. A write that fails thus
  // leaves no notes.
  class Noting {
  public:
    explicit Noting(FlushSet& set)
        : set_(set), changes_(set.changes_.size()), dirty_(set.dirty_),
          dirtyBytes_(set.dirtyBytes_) {}
    ~Noting();
    Noting(const Noting&) = delete;
    Noting& operator=(const Noting&) = delete;
    void keep() { isKept_ = true; }

  private:
    FlushSet& set_;
    const size_t changes_;
    const uint64_t dirty_;
    const uint64_t dirtyBytes_;
    bool isKept_ = false;
  };

  // Notes that the point gets a new row, not yet published, in place of `old` (not found: it had
  // none). True: the caller must mark the new row as dirty.
  bool noteRow(const PointId& id, const RowRef& old, uint64_t seq, uint64_t bytes);
  // Notes that the payload of a live row changed.
  void notePayload(const PointId& id, const RowRef& row, uint64_t seq, uint64_t bytes);
  // Notes that the live row `old` is deleted.
  void noteDelete(const PointId& id, const RowRef& old, uint64_t seq);

  // Takes operations, oldest first, until they have about `maxBytes`. An operation is taken whole
  // unless it exceeds kMostOverfull times that. Afterwards all changes up to and including
  // `throughSeq` have been taken; `shardSeq` is the number of the shard's last operation. False if
  // nothing is dirty.
  bool take(uint64_t maxBytes, uint64_t shardSeq, uint64_t& throughSeq);
  const std::vector<TakenChange>& taken() const { return taken_; }
  // Makes the taken changes dirty again. Needs no memory.
  void restore();
  // Ends a successful flush. Any thread may call it: it must not wait for a write, because its
  // caller is the JavaScript thread. So the taken changes are forgotten at the next `take`.
  void complete() {
    std::lock_guard lock(takenMutex_);
    taken_.clear();
    isComplete_ = true;
  }

  // Takes over the changes of another set whose points are in these segments now. No flush may be
  // running.
  void takeOver(FlushSet& from) {
    std::lock_guard lock(from.takenMutex_);
    from.forgetCompleted();
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

  struct Deleted {
    uint64_t seq;
    // Taken by a flush whose end is not known yet.
    bool isTaken = false;
  };
  using Deletes = std::unordered_map<PointId, Deleted, IdHash>;
  // The effects of one note, other than its entry in `changes_`.
  struct Undo {
    RowRef dirtied{};
    std::optional<PointId> deleted{};
    Deletes::node_type erased{};
  };

  void push(const PointId& id, uint64_t seq, uint64_t bytes);
  void takeSome(uint64_t maxBytes);
  // Call with `takenMutex_` held.
  void forgetCompleted();
  void restoreTaken();
  uint64_t bytesOf(const RowRef& row) const;
  uint64_t vectorBytesOf(const RowRef& row) const;
  void forget(uint64_t bytes);
  // The dirty row is replaced or deleted, so its bytes no longer count.
  void unpush(const RowRef& row);

  const SegmentSet& segments_;
  const bool enabled_;
  // The first `takenCount_` entries are taken; they stay until the flush ends.
  std::deque<Change> changes_;
  size_t takenCount_ = 0;
  Deletes deletes_;
  std::vector<Undo> undo_;
  std::mutex takenMutex_;
  std::vector<TakenChange> taken_;
  bool isComplete_ = false;
  std::atomic<uint64_t> dirty_{0};
  std::atomic<uint64_t> dirtyBytes_{0};
};

} // namespace vicinal
