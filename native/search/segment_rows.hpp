// One segment as a snapshot sees it, in the form that filters use.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "filter/row_source.hpp"
#include "segment/snapshot.hpp"

namespace vicinal {

struct SegmentView {
  const Segment* segment = nullptr;
  uint32_t rows = 0;
  uint64_t tick = 0;
  // Whether the snapshot has deleted rows; later deletes do not count.
  bool hasDeleted = false;

  SegmentView(const Snapshot& snapshot, size_t at)
      : segment(&snapshot.segment(at)), rows(snapshot.rows(at)), tick(snapshot.tick),
        hasDeleted(segment->deletedRows() > 0) {}
  bool isVisible(uint32_t row) const {
    return row < rows && (!hasDeleted || segment->isVisible(row, tick));
  }
};

// A payload that changes while a filter reads it stays as first seen, because the text is kept.
class SegmentRows final : public RowSource {
public:
  SegmentRows(const SegmentView& view, const Snapshot& snapshot, const CancelFlag* cancel)
      : RowSource(cancel), view_(view), snapshot_(snapshot) {}

  uint32_t rows() const override { return view_.rows; }
  std::string_view payload(uint32_t row) const override;
  IdWords id(uint32_t row) const override;
  bool hasVector(uint32_t row, uint32_t vector) const override {
    return view_.segment->hasVector(row, vector);
  }
  void overlaidRows(RowBitmap& into) const override;
  bool locate(const IdWords* ids, size_t count, RowBitmap& into) const override;
  // Bytes of the payloads that were read, counted at every read.
  uint64_t payloadBytes() const { return payloadBytes_; }

private:
  std::string_view textOf(uint32_t row) const;
  uint32_t locateOne(const PointId& id) const;

  const SegmentView view_;
  const Snapshot& snapshot_;
  mutable std::unordered_map<uint32_t, std::shared_ptr<const PayloadOverlay>> seen_;
  mutable uint64_t payloadBytes_ = 0;
};

} // namespace vicinal
