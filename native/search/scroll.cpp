#include "search/scroll.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "filter/plan.hpp"
#include "search/matching_rows.hpp"
#include "search/segment_rows.hpp"

namespace vicinal {

namespace {

// Time for a row that an index collects or that is looked at, with a margin of about two.
constexpr double kNsPerRow = 4;

struct OrderedRow {
  PointId id;
  RowRef row;
  bool operator<(const OrderedRow& other) const { return id < other.id; }
};

// Keeps the least ids from `from` on, in a heap with the greatest on top.
class IdPage {
public:
  IdPage(const std::optional<PointId>& from, size_t wanted) : from_(from), wanted_(wanted) {}

  const std::optional<PointId>& from() const { return from_; }

  // False if the page is full of lesser ids. `passes()` may cost more than this comparison, so it
  // comes last.
  template <typename Passes> bool offer(const RowRef& row, const Passes& passes) {
    const OrderedRow candidate{row.segment->id(row.row), row};
    if (from_ && candidate.id < *from_) return true;
    if (rows_.size() == wanted_ && !(candidate < rows_.front())) return false;
    if (!passes()) return true;
    if (rows_.size() == wanted_) {
      std::pop_heap(rows_.begin(), rows_.end());
      rows_.pop_back();
    }
    rows_.push_back(candidate);
    std::push_heap(rows_.begin(), rows_.end());
    return true;
  }

  // The first `limit` rows; `next` becomes the id behind them.
  std::vector<RowRef> take(size_t limit, std::optional<PointId>& next) {
    std::sort_heap(rows_.begin(), rows_.end());
    if (rows_.size() > limit) next = rows_[limit].id;
    std::vector<RowRef> rows;
    for (size_t at = 0; at < std::min(limit, rows_.size()); at++) rows.push_back(rows_[at].row);
    return rows;
  }

private:
  const std::optional<PointId> from_;
  const size_t wanted_;
  std::vector<OrderedRow> rows_;
};

// Offers the rows of a segment in id order, as far as they are sorted, until one is beyond the
// page; then the later rows.
template <typename Offer>
Status walkInOrder(const SegmentView& view, const IdPage& page, WorkMeter& work,
                   const Offer& offer) {
  const IdOrder::Rows order = view.segment->idOrder(view.rows);
  auto at = order->begin();
  if (page.from()) {
    at = std::lower_bound(
        order->begin(), order->end(), *page.from(),
        [&](uint32_t row, const PointId& id) { return view.segment->id(row) < id; });
  }
  for (; at != order->end() && offer(*at); ++at)
    if (!work.spend(kUnitsPerRow)) return work.status();
  for (auto row = static_cast<uint32_t>(order->size()); row < view.rows; row++) {
    if (!work.spend(kUnitsPerRow)) return work.status();
    offer(row);
  }
  return work.status();
}

// If no row of the segment was ever deleted and indexes know all matches, bits are counted.
Status countSegment(const SegmentView& view, const Snapshot& snapshot, const FilterNode* filter,
                    const CancelFlag* cancel, uint64_t& counted) {
  const bool hasDeleted = view.segment->deletedRows() > 0;
  const auto visit = [&](uint32_t, const auto& passes) { counted += passes() ? 1 : 0; };
  if (filter == nullptr) {
    if (hasDeleted) return forEachVisible(view, cancel, visit);
    counted += view.rows;
    return Status::ok();
  }
  const SegmentRows rows(view, snapshot, cancel);
  const auto indexes = view.segment->indexes();
  const FilterPlan plan = planFilter(*filter, rows, *indexes);
  VICINAL_TRY(rows.work().status());
  if (hasDeleted || !plan.isComplete() || plan.candidates() == nullptr)
    return forEachPlanned(view, rows, plan, visit);
  counted += plan.candidates()->count();
  return Status::ok();
}

// Expected time in one segment; infinite if only counting can tell.
double expectedNsOf(const SegmentView& view, const Snapshot& snapshot, const FilterNode* filter,
                    const CancelFlag* cancel) {
  const bool hasDeleted = view.segment->deletedRows() > 0;
  if (filter == nullptr) return hasDeleted ? view.rows * kNsPerRow : 0;
  const SegmentRows rows(view, snapshot, cancel);
  const auto indexes = view.segment->indexes();
  const auto collected = rowsToPlan(*filter, rows, *indexes);
  if (!collected) return INFINITY;
  return double(*collected) * kNsPerRow * (hasDeleted ? 2 : 1);
}

Result<uint64_t> countAll(const Snapshot& snapshot, const FilterNode* filter,
                          const CancelFlag* cancel) {
  uint64_t counted = 0;
  for (size_t at = 0; at < snapshot.count(); at++) {
    const SegmentView view(snapshot, at);
    if (Status status = countSegment(view, snapshot, filter, cancel, counted); !status)
      return status;
  }
  return counted;
}

} // namespace

Status scroll(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
              const ScrollRequest& request, const CancelFlag* cancel, ScrollResult& result) {
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(request.filter, snapshot.vectorsNamed(), snapshot, cancel, program));
  const FilterNode* filter = program ? &program->root() : nullptr;
  // One row more than the page, which tells where the next page starts.
  IdPage page(request.from, size_t(request.limit) + 1);
  for (size_t at = 0; at < snapshot.count(); at++) {
    const SegmentView view(snapshot, at);
    const SegmentRows rows(view, snapshot, cancel);
    const auto indexes = view.segment->indexes();
    std::optional<FilterPlan> plan;
    if (filter != nullptr) plan = planFilter(*filter, rows, *indexes);
    const auto offer = [&](uint32_t row) {
      const auto passes = [&] { return !plan || plan->isComplete() || plan->passes(rows, row); };
      return !view.isVisible(row) || page.offer({&snapshot.segment(at), row}, passes);
    };
    if (plan && plan->candidates() != nullptr)
      plan->candidates()->forEach([&](uint32_t row) {
        if (rows.work().spend(kUnitsPerRow)) offer(row);
      });
    else
      VICINAL_TRY(walkInOrder(view, page, rows.work(), offer));
    VICINAL_TRY(rows.work().status());
  }
  std::vector<RowRef> rows = page.take(request.limit, result.next);
  return readMatching(
      snapshot, filter, rows, request.fields, specs, result.rows, [](size_t) {}, cancel);
}

Result<uint64_t> count(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                       const CancelFlag* cancel) {
  std::optional<FilterProgram> program;
  if (Status status = decodeFilter(filter, vectors, snapshot, cancel, program); !status)
    return status;
  return countAll(snapshot, program ? &program->root() : nullptr, cancel);
}

Result<std::optional<uint64_t>> countWithin(const Snapshot& snapshot, size_t vectors,
                                            const FilterBytes& filter, double mostNs) {
  using Counted = std::optional<uint64_t>;
  // Making the estimate may itself take longer than counting, so it has the same deadline.
  const CancelFlag outOfTime(CancelFlag::Clock::now() +
                             std::chrono::nanoseconds(static_cast<int64_t>(mostNs)));
  std::optional<FilterProgram> program;
  if (Status status = decodeFilter(filter, vectors, snapshot, &outOfTime, program); !status)
    return status.code() == Code::Cancelled ? Result(Counted()) : Result<Counted>(status);
  const FilterNode* root = program ? &program->root() : nullptr;
  double expectedNs = 0;
  for (size_t at = 0; at < snapshot.count() && expectedNs < mostNs; at++)
    expectedNs += expectedNsOf(SegmentView(snapshot, at), snapshot, root, &outOfTime);
  if (!(expectedNs < mostNs)) return Counted();
  const auto counted = countAll(snapshot, root, &outOfTime);
  if (counted) return Counted(*counted);
  const Status status = counted.status();
  return status.code() == Code::Cancelled ? Result(Counted()) : Result<Counted>(status);
}

Status countMatches(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                    const CancelFlag* cancel, std::vector<SegmentReport>& reports) {
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(filter, vectors, snapshot, cancel, program));
  if (!program) return Status::ok();
  for (size_t at = 0; at < reports.size(); at++) {
    const SegmentView view(snapshot, at);
    VICINAL_TRY(countSegment(view, snapshot, &program->root(), cancel, reports[at].trueMatches));
  }
  return Status::ok();
}

Status selectIds(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                 const CancelFlag* cancel, Buffer<uint32_t>& ids) {
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(filter, vectors, snapshot, cancel, program));
  std::vector<PointId> selected;
  VICINAL_TRY(forEachRow(snapshot, program ? &program->root() : nullptr, cancel,
                         [&](Segment& segment, uint32_t row, const auto& passes) {
                           if (passes()) selected.push_back(segment.id(row));
                         }));
  std::sort(selected.begin(), selected.end());
  if (!ids.resize(selected.size() * kIdWords)) return Status::outOfMemory("selecting ids");
  for (size_t at = 0; at < selected.size(); at++) encodePointId(selected[at], &ids[at * kIdWords]);
  return Status::ok();
}

} // namespace vicinal
