#include "shard/flush_set.hpp"

#include <algorithm>
#include <utility>

namespace vicinal {

namespace {

// Approximate bytes of id, sequence number, checksum and offsets of a row in the table.
constexpr uint64_t kRowOverheadBytes = 48;
// An operation is split if it takes this many times the requested bytes: one by filter may change
// every row.
constexpr uint64_t kMostOverfull = 4;

} // namespace

uint64_t FlushSet::bytesOf(const RowRef& ref) const {
  return kRowOverheadBytes + ref.segment->payload(ref.row).size() + vectorBytesOf(ref);
}

uint64_t FlushSet::vectorBytesOf(const RowRef& ref) const {
  uint64_t bytes = 0;
  for (uint32_t vector = 0; vector < ref.segment->vectorCount(); vector++) {
    const VectorSpec& spec = ref.segment->space(vector).spec();
    // In the table, a row without its vector has zeros in its place.
    const uint64_t count = spec.isMulti ? ref.segment->vectorsOf(vector, ref.row).count : 1;
    bytes += count * spec.dim * sizeof(float);
  }
  for (size_t vector = 0; vector < ref.segment->sparseCount(); vector++)
    bytes += ref.segment->sparse(vector).vector(ref.row).count * kSparseEntryBytes;
  return bytes;
}

void FlushSet::push(const PointId& id, uint64_t seq, uint64_t bytes) {
  changes_.push_back({id, seq});
  dirty_++;
  dirtyBytes_ += bytes + kRowOverheadBytes;
}

void FlushSet::unpush(const RowRef& row) {
  dirtyBytes_ -= std::min<uint64_t>(dirtyBytes_, bytesOf(row) - kRowOverheadBytes);
}

void FlushSet::forget(uint64_t bytes) {
  dirty_ -= dirty_ > 0 ? 1 : 0;
  dirtyBytes_ = dirty_ == 0 ? 0 : dirtyBytes_ - std::min<uint64_t>(dirtyBytes_, bytes);
}

FlushSet::Noting::~Noting() {
  if (!isKept_) {
    while (set_.changes_.size() > changes_) set_.changes_.pop_back();
    // The map has room for these deletes, so none of this needs memory.
    for (auto undo = set_.undo_.rbegin(); undo != set_.undo_.rend(); ++undo) {
      if (undo->dirtied.found()) undo->dirtied.segment->clearDirty(undo->dirtied.row);
      if (undo->deleted) set_.deletes_.erase(*undo->deleted);
      if (undo->erased) set_.deletes_.insert(std::move(undo->erased));
    }
    set_.dirty_ = dirty_;
    set_.dirtyBytes_ = dirtyBytes_;
  }
  set_.undo_.clear();
}

bool FlushSet::noteRow(const PointId& id, const RowRef& old, uint64_t seq, uint64_t bytes) {
  if (!enabled_) return false;
  if (old.found() && old.segment->isDirty(old.row)) {
    unpush(old);
    dirtyBytes_ += bytes;
    return true;
  }
  if (!old.found()) {
    const auto deleted = deletes_.find(id);
    if (deleted != deletes_.end() && !deleted->second.isTaken) {
      undo_.emplace_back();
      undo_.back().erased = deletes_.extract(deleted);
      dirtyBytes_ += bytes;
      return true;
    }
  }
  push(id, seq, bytes);
  return true;
}

void FlushSet::notePayload(const PointId& id, const RowRef& row, uint64_t seq, uint64_t bytes) {
  if (!enabled_ || row.segment->isDirty(row.row)) return;
  push(id, seq, bytes + vectorBytesOf(row));
  undo_.emplace_back();
  undo_.back().dirtied = row;
  row.segment->setDirty(row.row);
}

void FlushSet::noteDelete(const PointId& id, const RowRef& old, uint64_t seq) {
  if (!enabled_) return;
  if (old.segment->isDirty(old.row))
    unpush(old);
  else
    push(id, seq, 0);
  undo_.emplace_back();
  Undo& undo = undo_.back();
  if (const auto known = deletes_.find(id); known != deletes_.end())
    undo.erased = deletes_.extract(known);
  undo.deleted = id;
  deletes_.emplace(id, Deleted{seq});
}

void FlushSet::forgetCompleted() {
  if (!std::exchange(isComplete_, false)) return;
  for (; takenCount_ > 0; takenCount_--) {
    const auto deleted = deletes_.find(changes_.front().id);
    if (deleted != deletes_.end() && deleted->second.isTaken) deletes_.erase(deleted);
    changes_.pop_front();
  }
}

bool FlushSet::take(uint64_t maxBytes, uint64_t shardSeq, uint64_t& throughSeq) {
  std::lock_guard lock(takenMutex_);
  forgetCompleted();
  taken_.clear();
  try {
    takeSome(maxBytes);
  } catch (...) {
    restoreTaken();
    throw;
  }
  const bool hasAll = takenCount_ == changes_.size();
  if (hasAll) {
    dirty_ = 0;
    dirtyBytes_ = 0;
  }
  throughSeq = hasAll ? shardSeq : changes_[takenCount_].firstSeq - 1;
  return !taken_.empty();
}

void FlushSet::takeSome(uint64_t maxBytes) {
  uint64_t bytes = 0;
  for (; takenCount_ < changes_.size(); takenCount_++) {
    const Change& change = changes_[takenCount_];
    const bool isOfLast = !taken_.empty() && change.firstSeq == taken_.back().firstSeq;
    if (!taken_.empty() && bytes >= (isOfLast ? kMostOverfull * maxBytes : maxBytes)) break;
    const RowRef row = segments_.find(change.id);
    if (row.found() && row.segment->isDirty(row.row)) {
      taken_.push_back({change.id, change.firstSeq, row, 0});
      row.segment->clearDirty(row.row);
      const uint64_t rowBytes = bytesOf(row);
      bytes += rowBytes;
      forget(rowBytes);
    } else if (const auto deleted = deletes_.find(change.id);
               !row.found() && deleted != deletes_.end() && !deleted->second.isTaken) {
      taken_.push_back({change.id, change.firstSeq, {}, deleted->second.seq});
      deleted->second.isTaken = true;
      bytes += kRowOverheadBytes;
      forget(kRowOverheadBytes);
    }
  }
}

void FlushSet::restore() {
  std::lock_guard lock(takenMutex_);
  restoreTaken();
}

void FlushSet::restoreTaken() {
  for (const TakenChange& change : taken_) {
    const RowRef row = segments_.find(change.id);
    const auto deleted = deletes_.find(change.id);
    const bool wasTaken = deleted != deletes_.end() && deleted->second.isTaken;
    if (row.found() && wasTaken) deletes_.erase(deleted);
    if (row.found() && !row.segment->isDirty(row.row)) {
      row.segment->setDirty(row.row);
      dirty_++;
      dirtyBytes_ += bytesOf(row);
    } else if (!row.found() && wasTaken && change.deletedSeq != 0) {
      deleted->second.isTaken = false;
      dirty_++;
      dirtyBytes_ += kRowOverheadBytes;
    }
  }
  taken_.clear();
  takenCount_ = 0;
}

} // namespace vicinal
