#include "search/index_points.hpp"

#include <algorithm>
#include <cmath>

#include "filter/indexed_values.hpp"
#include "search/segment_rows.hpp"

namespace vicinal {

namespace {

// A payload takes about a microsecond.
constexpr size_t kMostPayloadsRead = 4096;

struct ChangedRows {
  std::vector<uint32_t> sample;
  size_t count = 0;
};

ChangedRows changedRows(const SegmentView& view) {
  ChangedRows changed;
  const PayloadStore& payloads = view.segment->payloads();
  std::vector<uint32_t> all;
  payloads.forEachOverlaid(view.rows, [&](uint32_t row) {
    if (view.isVisible(row)) all.push_back(row);
  });
  changed.count = all.size();
  const size_t step = 1 + changed.count / (kMostPayloadsRead + 1);
  for (size_t at = 0; at < all.size(); at += step) changed.sample.push_back(all[at]);
  return changed;
}

uint64_t pointsIn(const PayloadIndex& index, const SegmentView& view, const SegmentRows& rows,
                  const ChangedRows& changed) {
  RowBitmap indexed;
  index.readValues([&](const IndexedValues& values) {
    indexed = RowBitmap(index.covered());
    values.indexed.addTo(indexed);
  });
  const PayloadStore& payloads = view.segment->payloads();
  uint64_t points = 0;
  indexed.forEach([&](uint32_t row) {
    if (!payloads.isOverlaid(row) && view.isVisible(row)) points++;
  });
  if (changed.sample.empty()) return points;
  const auto found = std::count_if(changed.sample.begin(), changed.sample.end(),
                                   [&](uint32_t row) { return index.hasValue(rows.payload(row)); });
  const double share = double(found) / double(changed.sample.size());
  return points + static_cast<uint64_t>(std::llround(share * double(changed.count)));
}

} // namespace

std::vector<IndexPoints> indexPoints(const Snapshot& snapshot) {
  std::vector<IndexPoints> found;
  for (size_t at = 0; at < snapshot.count(); at++) {
    const SegmentView view(snapshot, at);
    const SegmentRows rows(view, snapshot, nullptr);
    const ChangedRows changed = changedRows(view);
    for (const auto indexes = view.segment->indexes(); const auto& index : *indexes) {
      const uint64_t points = pointsIn(*index, view, rows, changed);
      const auto known = std::find_if(found.begin(), found.end(), [&](const IndexPoints& entry) {
        return entry.field == index->field();
      });
      if (known != found.end())
        known->points += points;
      else
        found.push_back({index->field(), points});
    }
  }
  return found;
}

} // namespace vicinal
