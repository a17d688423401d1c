#include "shard/flush_set.hpp"

#include <algorithm>

namespace vicinal {

namespace {

// Id, sequence number, checksum and offsets of a row in the table, about.
constexpr uint64_t kRowOverheadBytes = 48;
// An operation is taken apart where it takes so many times what was asked for: one by filter may
// change every row there is.
constexpr uint64_t kMostOverfull = 4;

} // namespace

uint64_t FlushSet::bytesOf(const RowRef& ref) const {
  return kRowOverheadBytes + ref.segment->payload(ref.row).size() + vectorBytesOf(ref);
}

uint64_t FlushSet::vectorBytesOf(const RowRef& ref) const {
  uint64_t bytes = 0;
  for (uint32_t vector = 0; vector < ref.segment->vectorCount(); vector++) {
    const VectorSpec& spec = ref.segment->space(vector).spec();
    // A row that lacks its one vector has zeros in the table.
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

bool FlushSet::noteRow(const PointId& id, const RowRef& old, uint64_t seq, uint64_t bytes) {
  if (!enabled_) return false;
  if (old.found() && old.segment->isDirty(old.row)) {
    unpush(old);
    dirtyBytes_ += bytes;
    return true;
  }
  if (!old.found() && deletes_.erase(id) > 0) {
    dirtyBytes_ += bytes;
    return true;
  }
  push(id, seq, bytes);
  return true;
}

void FlushSet::notePayload(const PointId& id, const RowRef& row, uint64_t seq, uint64_t bytes) {
  if (!enabled_ || row.segment->isDirty(row.row)) return;
  row.segment->setDirty(row.row);
  push(id, seq, bytes + vectorBytesOf(row));
}

void FlushSet::noteDelete(const PointId& id, const RowRef& old, uint64_t seq) {
  if (!enabled_) return;
  if (old.segment->isDirty(old.row))
    unpush(old);
  else
    push(id, seq, 0);
  deletes_[id] = seq;
}

bool FlushSet::take(uint64_t maxBytes, uint64_t shardSeq, uint64_t& throughSeq) {
  std::lock_guard lock(takenMutex_);
  taken_.clear();
  uint64_t bytes = 0;
  while (!changes_.empty()) {
    const Change change = changes_.front();
    const bool isOfLast = !taken_.empty() && change.firstSeq == taken_.back().firstSeq;
    if (!taken_.empty() && bytes >= (isOfLast ? kMostOverfull * maxBytes : maxBytes)) break;
    changes_.pop_front();
    const RowRef row = segments_.find(change.id);
    if (row.found() && row.segment->isDirty(row.row)) {
      row.segment->clearDirty(row.row);
      taken_.push_back({change.id, change.firstSeq, row, 0});
      const uint64_t rowBytes = bytesOf(row);
      bytes += rowBytes;
      forget(rowBytes);
    } else if (const auto deleted = deletes_.find(change.id);
               !row.found() && deleted != deletes_.end()) {
      taken_.push_back({change.id, change.firstSeq, {}, deleted->second});
      deletes_.erase(deleted);
      bytes += kRowOverheadBytes;
      forget(kRowOverheadBytes);
    }
  }
  if (changes_.empty()) {
    dirty_ = 0;
    dirtyBytes_ = 0;
  }
  throughSeq = changes_.empty() ? shardSeq : changes_.front().firstSeq - 1;
  return !taken_.empty();
}

void FlushSet::restore() {
  std::lock_guard lock(takenMutex_);
  for (auto change = taken_.rbegin(); change != taken_.rend(); ++change) {
    changes_.push_front({change->id, change->firstSeq});
    const RowRef row = segments_.find(change->id);
    if (row.found() && !row.segment->isDirty(row.row)) {
      row.segment->setDirty(row.row);
      dirty_++;
      dirtyBytes_ += bytesOf(row);
    } else if (!row.found() && change->deletedSeq != 0 &&
               deletes_.emplace(change->id, change->deletedSeq).second) {
      dirty_++;
      dirtyBytes_ += kRowOverheadBytes;
    }
  }
  taken_.clear();
}

} // namespace vicinal
