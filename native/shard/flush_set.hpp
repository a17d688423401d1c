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
#include <optional>
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

  // What is noted while there is one is taken back at its end, unless it is kept: what a write
  // notes that then fails.
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
  // Needs no memory.
  void restore();
  // Anyone's: it must not wait for a write, for its caller is the JavaScript thread. So what was
  // taken is forgotten with the next that is taken.
  void complete() {
    std::lock_guard lock(takenMutex_);
    taken_.clear();
    isComplete_ = true;
  }

  // What another set has, whose points are in these segments now; while no flush is under way.
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
    // In a flush that is not known to have ended.
    bool isTaken = false;
  };
  using Deletes = std::unordered_map<PointId, Deleted, IdHash>;
  // What one note has changed beside its entry in `changes_`.
  struct Undo {
    RowRef dirtied{};
    std::optional<PointId> deleted{};
    Deletes::node_type erased{};
  };

  void push(const PointId& id, uint64_t seq, uint64_t bytes);
  void takeSome(uint64_t maxBytes);
  // With `takenMutex_` held.
  void forgetCompleted();
  void restoreTaken();
  uint64_t bytesOf(const RowRef& row) const;
  uint64_t vectorBytesOf(const RowRef& row) const;
  void forget(uint64_t bytes);
  // The dirty row is another from now on, or none.
  void unpush(const RowRef& row);

  const SegmentSet& segments_;
  const bool enabled_;
  // The first of them are taken, as long as nobody says what became of the flush.
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
