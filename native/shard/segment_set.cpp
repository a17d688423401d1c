#include "shard/segment_set.hpp"

#include <algorithm>
#include <utility>

namespace vicinal {

SegmentSet::SegmentSet(std::vector<VectorSpec> vectors, std::vector<SparseSpec> sparse,
                       uint64_t segmentBytes)
    : vectors_(std::move(vectors)), sparse_(std::move(sparse)), widths_(vectors_),
      segmentBytes_(segmentBytes) {}

Snapshot SegmentSet::snapshot() const {
  std::lock_guard lock(view_);
  return {segments_, tick_, lastRows_, overlays_, lookup_};
}

Snapshot SegmentSet::locate(const PointId* ids, size_t count, std::vector<RowRef>& rows) const {
  std::shared_lock lock(*lookup_);
  return locateAll(ids, count, rows);
}

std::optional<Snapshot> SegmentSet::tryLocate(const PointId* ids, size_t count,
                                              std::vector<RowRef>& rows) const {
  std::shared_lock lock(*lookup_, std::try_to_lock);
  if (!lock.owns_lock()) return std::nullopt;
  return locateAll(ids, count, rows);
}

Snapshot SegmentSet::locateAll(const PointId* ids, size_t count, std::vector<RowRef>& rows) const {
  rows.assign(count, {});
  Snapshot snapshot = this->snapshot();
  for (size_t at = 0; at < count; at++) rows[at] = find(ids[at]);
  return snapshot;
}

RowRef SegmentSet::find(const PointId& id) const {
  // Newest segment first: an updated id is then mostly found at its live row at once.
  for (auto segment = segments_->rbegin(); segment != segments_->rend(); ++segment) {
    const uint32_t row = (*segment)->find(id);
    if (row != kNoRow && (*segment)->deletedAt(row) == 0) return {segment->get(), row};
  }
  return {};
}

Result<Segment*> SegmentSet::writable(const WriteBatch& batch, Waiting waiting) {
  RowWidths widths = widths_;
  widths.note(batch);
  Segment* segment = active();
  const bool takes = segment != nullptr && segment->dataBytes() < segmentBytes_ &&
                     segment->hasRoom(batch.size) && widths.suit(*segment);
  if (waiting == Waiting::Refused && !(takes && segment->isPreparedSoon(batch.size)))
    return Status(Code::Cancelled, "the write would have to wait");
  widths_ = std::move(widths);
  if (!takes) {
    auto created = Segment::create(nextNumber_, widths_.narrowed(vectors_), sparse_, segmentBytes_,
                                   batch.size);
    if (!created) return created.status();
    nextNumber_++;
    for (const IndexField& field : indexFields_) VICINAL_TRY(created->get()->addIndex(field));
    segment = created->get();
    add(created.take(), true);
  }
  VICINAL_TRY(segment->prepare(batch.size));
  // A failed write may have removed the indexes.
  for (const IndexField& field : indexFields_)
    if (segment->lacksIndex(field.field)) VICINAL_TRY(segment->addIndex(field));
  return segment;
}

void SegmentSet::expect(Segment* appended, const std::vector<RowRef>& replaced) {
  const uint32_t rows = appended == nullptr ? 0 : appended->stagedRows() - appended->rows();
  superseded_.clear();
  superseded_.reserve(rows);
  if (sparse_.empty()) return;
  for (const auto& segment : *segments_)
    segment->expectDead(replaced.size() + (segment.get() == appended ? rows : 0));
}

void SegmentSet::commit(Segment* appended, const std::vector<RowRef>& replaced, const LookupLock&) {
  const uint64_t tick = nextTick();
  if (appended != nullptr) {
    appended->adoptIds();
    const uint32_t before = appended->rows();
    const uint32_t after = appended->stagedRows();
    // If the segment already had a row with this id, the row is tombstoned even if the caller did
    // not know of it. An id that occurs twice in a batch keeps its last row.
    superseded_.clear();
    for (uint32_t row = before; row < after; row++) {
      if (const uint32_t old = appended->putId(row); old != kNoRow) superseded_.push_back(old);
    }
    appended->publish();
    for (uint32_t row : superseded_) appended->tombstone(row, tick);
  }
  for (const RowRef& old : replaced) old.segment->tombstone(old.row, tick);
  std::lock_guard view(view_);
  tick_ = tick;
  if (!segments_->empty()) lastRows_ = segments_->back()->rows();
}

int64_t SegmentSet::freeze() {
  Segment* frozen = active_.exchange(nullptr);
  return frozen == nullptr || frozen->rows() == 0 ? int64_t(-1) : int64_t(frozen->number());
}

void SegmentSet::add(std::shared_ptr<Segment> segment, bool active) {
  auto list = std::make_shared<SegmentList>(*segments_);
  list->push_back(segment);
  widths_.note(*segment);
  active_ = active ? segment.get() : nullptr;
  publishList(std::move(list));
  leaveUnsuited();
}

// Applies to opened segments too, because the mark is not stored in files.
void SegmentSet::leaveUnsuited() {
  for (const auto& segment : *segments_)
    if (segment.get() != this->active() && RowWidths::isWorthMoving(*segment) &&
        !widths_.suit(*segment))
      segment->leave();
}

void SegmentSet::drop(uint32_t number) {
  auto list = std::make_shared<SegmentList>(*segments_);
  std::erase_if(*list, [&](const auto& segment) { return segment->number() == number; });
  publishList(std::move(list));
}

void SegmentSet::publishList(std::shared_ptr<const SegmentList> list) {
  std::unique_lock lookup(*lookup_);
  std::lock_guard view(view_);
  segments_ = std::move(list);
  lastRows_ = segments_->empty() ? 0 : segments_->back()->rows();
}

std::shared_ptr<Segment> SegmentSet::segment(uint32_t number) const {
  for (const Snapshot now = snapshot(); const auto& segment : *now.segments) {
    if (segment->number() == number) return segment;
  }
  return nullptr;
}

void SegmentSet::takeOver(SegmentSet& from, std::shared_ptr<const SegmentList> segments) {
  from.freeze();
  overlays_ = from.overlays_;
  lookup_ = from.lookup_;
  indexFields_ = from.indexFields_;
  for (const auto& segment : *segments) widths_.note(*segment);
  nextNumber_ = from.nextNumber_;
  tick_ = from.tick_;
  publishList(std::move(segments));
  leaveUnsuited();
}

uint64_t SegmentSet::livePoints() const {
  uint64_t live = 0;
  for (const Snapshot now = snapshot(); const auto& segment : *now.segments)
    live += segment->liveRows();
  return live;
}

} // namespace vicinal
