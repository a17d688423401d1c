#include "search/scroll.hpp"

#include <algorithm>

#include "filter/plan.hpp"
#include "search/segment_rows.hpp"

namespace vicinal {

namespace {

constexpr uint32_t kRowsBetweenChecks = 4096;

struct OrderedRow {
  PointId id;
  RowRef row;
  bool operator<(const OrderedRow& other) const { return id < other.id; }
};

// The visible rows of one segment that may match: `visit(row, passes)` is called for each, and
// `passes()` says whether it does, which may cost more than what the visitor would otherwise decide
// by.
template <typename Visit>
Status forEachMatch(const SegmentView& view, const Snapshot& snapshot, const FilterNode& filter,
                    const CancelFlag* cancel, const Visit& visit) {
  const SegmentRows rows(view, snapshot);
  const auto indexes = view.segment->indexes();
  const FilterPlan plan = planFilter(filter, rows, *indexes);
  uint32_t looked = 0;
  bool stopped = false;
  const auto look = [&](uint32_t row) {
    if (looked++ % kRowsBetweenChecks == 0)
      stopped = stopped || (cancel != nullptr && cancel->isCancelled());
    if (stopped || !view.isVisible(row)) return;
    visit(row, [&] { return plan.isComplete() || plan.passes(rows, row); });
  };
  if (plan.candidates() != nullptr) {
    plan.candidates()->forEach(look);
  } else {
    for (uint32_t row = 0; row < view.rows && !stopped; row++) look(row);
  }
  return stopped ? Status(Code::Cancelled, "the operation was cancelled") : Status::ok();
}

template <typename Visit>
Status forEachVisible(const SegmentView& view, const CancelFlag* cancel, const Visit& visit) {
  for (uint32_t row = 0; row < view.rows; row++) {
    if (row % kRowsBetweenChecks == 0 && cancel != nullptr && cancel->isCancelled())
      return Status(Code::Cancelled, "the operation was cancelled");
    if (view.isVisible(row)) visit(row, [] { return true; });
  }
  return Status::ok();
}

// Calls `visit(segment, row, passes)` for every row that the snapshot shows and that may match.
template <typename Visit>
Status forEachRow(const Snapshot& snapshot, const FilterNode* filter, const CancelFlag* cancel,
                  const Visit& visit) {
  for (size_t at = 0; at < snapshot.count(); at++) {
    const SegmentView view(snapshot, at);
    const auto inSegment = [&](uint32_t row, const auto& passes) {
      visit(snapshot.segment(at), row, passes);
    };
    VICINAL_TRY(filter == nullptr ? forEachVisible(view, cancel, inSegment)
                                  : forEachMatch(view, snapshot, *filter, cancel, inSegment));
  }
  return Status::ok();
}

} // namespace

Status scroll(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
              const ScrollRequest& request, const CancelFlag* cancel, ScrollResult& result) {
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(request.filter, specs.size(), program));
  const FilterNode* filter = program ? &program->root() : nullptr;
  // The page and one more, which tells where the next page starts: a heap with the greatest id on
  // top.
  const size_t wanted = size_t(request.limit) + 1;
  std::vector<OrderedRow> page;
  VICINAL_TRY(
      forEachRow(snapshot, filter, cancel, [&](Segment& segment, uint32_t row, const auto& passes) {
        const OrderedRow candidate{segment.id(row), {&segment, row}};
        if (request.from && candidate.id < *request.from) return;
        if (page.size() == wanted && !(candidate < page.front())) return;
        if (!passes()) return;
        if (page.size() == wanted) {
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
  return readMatching(snapshot, filter, rows, request.fields, specs, result.rows, [](size_t) {});
}

Result<uint64_t> count(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                       const CancelFlag* cancel) {
  std::optional<FilterProgram> program;
  if (Status status = decodeFilter(filter, vectors, program); !status) return status;
  uint64_t counted = 0;
  const auto visit = [&](Segment&, uint32_t, const auto& passes) { counted += passes() ? 1 : 0; };
  if (Status status = forEachRow(snapshot, program ? &program->root() : nullptr, cancel, visit);
      !status)
    return status;
  return counted;
}

Status selectIds(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                 Buffer<uint32_t>& ids) {
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(filter, vectors, program));
  std::vector<PointId> selected;
  VICINAL_TRY(forEachRow(snapshot, program ? &program->root() : nullptr, nullptr,
                         [&](Segment& segment, uint32_t row, const auto& passes) {
                           if (passes()) selected.push_back(segment.id(row));
                         }));
  std::sort(selected.begin(), selected.end());
  if (!ids.resize(selected.size() * kIdWords))
    return Status(Code::Overloaded, "out of memory while selecting ids");
  for (size_t at = 0; at < selected.size(); at++) encodePointId(selected[at], &ids[at * kIdWords]);
  return Status::ok();
}

} // namespace vicinal
