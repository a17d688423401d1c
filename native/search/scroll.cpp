#include "search/scroll.hpp"

#include <algorithm>

namespace vicinal {

namespace {

constexpr uint32_t kRowsBetweenChecks = 4096;

struct OrderedRow {
  PointId id;
  RowRef row;
  bool operator<(const OrderedRow& other) const { return id < other.id; }
};

// Calls `visit(segment, row)` for every row that the snapshot shows.
template <typename Visit>
Status forEachRow(const Snapshot& snapshot, const CancelFlag* cancel, const Visit& visit) {
  for (size_t at = 0; at < snapshot.count(); at++) {
    Segment& segment = snapshot.segment(at);
    const uint32_t rows = snapshot.rows(at);
    for (uint32_t row = 0; row < rows; row++) {
      if (row % kRowsBetweenChecks == 0 && cancel != nullptr && cancel->isCancelled())
        return Status(Code::Cancelled, "the operation was cancelled");
      if (segment.isVisible(row, snapshot.tick)) visit(segment, row);
    }
  }
  return Status::ok();
}

} // namespace

Status scroll(const Snapshot& snapshot, const std::vector<VectorSpec>& specs, const ScrollRequest& request,
              const CancelFlag* cancel, ScrollResult& result) {
  // The page and one more, which tells where the next page starts: a heap with the greatest id on top.
  const size_t wanted = size_t(request.limit) + 1;
  std::vector<OrderedRow> page;
  VICINAL_TRY(forEachRow(snapshot, cancel, [&](Segment& segment, uint32_t row) {
    const OrderedRow candidate{segment.id(row), {&segment, row}};
    if (request.from && candidate.id < *request.from) return;
    if (page.size() == wanted) {
      if (!(candidate < page.front())) return;
      std::pop_heap(page.begin(), page.end());
      page.pop_back();
    }
    page.push_back(candidate);
    std::push_heap(page.begin(), page.end());
  }));
  std::sort_heap(page.begin(), page.end());
  if (page.size() == wanted) {
    result.next = page.back().id;
    page.pop_back();
  }
  std::vector<RowRef> rows;
  for (const OrderedRow& ordered : page) rows.push_back(ordered.row);
  std::shared_lock overlays(*snapshot.overlays);
  return readRows(rows.data(), rows.size(), request.fields, specs, result.rows);
}

Result<uint64_t> count(const Snapshot& snapshot, const FilterBytes& filter, const CancelFlag* cancel) {
  (void)filter;
  uint64_t counted = 0;
  if (Status status = forEachRow(snapshot, cancel, [&](Segment&, uint32_t) { counted++; }); !status) return status;
  return counted;
}

Status selectIds(const Snapshot& snapshot, const FilterBytes& filter, Buffer<uint32_t>& ids) {
  (void)filter;
  std::vector<PointId> selected;
  VICINAL_TRY(forEachRow(snapshot, nullptr,
                         [&](Segment& segment, uint32_t row) { selected.push_back(segment.id(row)); }));
  std::sort(selected.begin(), selected.end());
  if (!ids.resize(selected.size() * kIdWords)) return Status(Code::Overloaded, "out of memory while selecting ids");
  for (size_t at = 0; at < selected.size(); at++) encodePointId(selected[at], &ids[at * kIdWords]);
  return Status::ok();
}

} // namespace vicinal
