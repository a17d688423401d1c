#include "search/segment_rows.hpp"

#include <algorithm>
#include <vector>

namespace vicinal {

std::string_view SegmentRows::payload(uint32_t row) const {
  const std::string_view text = textOf(row);
  payloadBytes_ += text.size();
  return text;
}

std::string_view SegmentRows::textOf(uint32_t row) const {
  const PayloadStore& payloads = view_.segment->payloads();
  if (!payloads.isOverlaid(row)) return payloads.base(row);
  auto& seen = seen_[row];
  if (!seen) {
    std::shared_lock lock(*snapshot_.overlays);
    const auto found = payloads.overlays().find(row);
    // The overlay bit may be set before the batch ends, but never before its entry exists.
    if (found == payloads.overlays().end()) return payloads.base(row);
    seen = found->second;
  }
  return seen->text;
}

IdWords SegmentRows::id(uint32_t row) const {
  IdWords words;
  encodePointId(view_.segment->id(row), words.data());
  return words;
}

void SegmentRows::overlaidRows(RowBitmap& into) const {
  view_.segment->payloads().forEachOverlaid(view_.rows, [&](uint32_t row) { into.add(row); });
}

bool SegmentRows::locate(const IdWords* ids, size_t count, RowBitmap& into) const {
  std::vector<uint32_t> rows;
  std::shared_lock lock(*snapshot_.lookup);
  for (size_t at = 0; at < count; at++) {
    PointId id;
    if (!decodePointId(ids[at].data(), id)) continue;
    if (const uint32_t row = locateOne(id); row != kNoRow) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end());
  for (const uint32_t row : rows) into.add(row);
  return true;
}

uint32_t SegmentRows::locateOne(const PointId& id) const {
  const uint32_t newest = view_.segment->find(id);
  if (newest == kNoRow || newest < view_.rows) return newest;
  // Cost of looking at a row.
  constexpr uint64_t kUnitsPerRow = 8;
  if (!work().spend(view_.rows * kUnitsPerRow)) return kNoRow;
  // The point was updated after the snapshot was taken, which is rare. Its older row is somewhere
  // below.
  for (uint32_t row = view_.rows; row > 0; row--) {
    if (view_.segment->ids().equals(row - 1, id)) return row - 1;
  }
  return kNoRow;
}

} // namespace vicinal
