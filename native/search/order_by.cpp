#include "search/order_by.hpp"

#include <algorithm>
#include <vector>

#include "filter/indexed_values.hpp"
#include "search/field_index.hpp"
#include "search/matching_rows.hpp"

namespace vicinal {

namespace {

template <typename T> struct Placed {
  T value;
  PointId id;
  RowRef row;
};

// Keeps the first `limit` offered rows in the requested direction; ties are ordered by id.
template <typename T> class Page {
public:
  Page(size_t limit, bool isDescending) : limit_(limit), isDescending_(isDescending) {}

  // Whether no row with this value can be kept any more.
  bool isBeyond(T value) const {
    if (limit_ == 0) return true;
    if (placed_.size() < limit_) return false;
    const T last = placed_.front().value;
    return isDescending_ ? value < last : value > last;
  }
  void offer(Placed<T> candidate) {
    const auto before = [this](const Placed<T>& a, const Placed<T>& b) { return isBefore(a, b); };
    if (placed_.size() == limit_) {
      if (!isBefore(candidate, placed_.front())) return;
      std::pop_heap(placed_.begin(), placed_.end(), before);
      placed_.pop_back();
    }
    placed_.push_back(candidate);
    std::push_heap(placed_.begin(), placed_.end(), before);
  }
  std::vector<Placed<T>> take() {
    std::sort(placed_.begin(), placed_.end(),
              [this](const Placed<T>& a, const Placed<T>& b) { return isBefore(a, b); });
    return std::move(placed_);
  }

private:
  bool isBefore(const Placed<T>& a, const Placed<T>& b) const {
    if (a.value != b.value) return isDescending_ ? a.value > b.value : a.value < b.value;
    return isDescending_ ? b.id < a.id : a.id < b.id;
  }

  const size_t limit_;
  const bool isDescending_;
  // A heap with the last one on top.
  std::vector<Placed<T>> placed_;
};

// The start value of the requested order.
template <typename T> class Start {
public:
  explicit Start(const OrderRequest& request) : request_(request) {}

  // Whether this value is at the start or behind it, in the requested direction.
  bool isReached(T value) const {
    if (const auto* integer = std::get_if<int64_t>(&request_.from)) return reached(value, *integer);
    if (const auto* number = std::get_if<double>(&request_.from))
      return reached(static_cast<double>(value), *number);
    return true;
  }

private:
  template <typename Bound> bool reached(T value, Bound from) const {
    return request_.isDescending ? value <= from : value >= from;
  }
  bool reached(double value, double from) const {
    return request_.isDescending ? value <= from : value >= from;
  }

  const OrderRequest& request_;
};

template <typename T, typename Passes>
void offerRun(const typename ValueRuns<T>::Run& run, const OrderRequest& request,
              const Passes& passes, Segment& segment, Page<T>& page) {
  const Start<T> start(request);
  const size_t size = run.size();
  const auto begin = run.values.begin(), end = run.values.end();
  // The first value at or behind the start. Runs ascend, so values before the start are at one end.
  const size_t first = static_cast<size_t>(
      request.isDescending
          ? std::partition_point(begin, end, [&](T value) { return start.isReached(value); }) -
                begin
          : std::partition_point(begin, end, [&](T value) { return !start.isReached(value); }) -
                begin);
  const auto look = [&](size_t at) {
    if (page.isBeyond(run.values[at])) return false;
    const bool isRepeated =
        at > 0 && run.rows[at] == run.rows[at - 1] && run.values[at] == run.values[at - 1];
    if (!isRepeated && passes(run.rows[at]))
      page.offer({run.values[at], segment.id(run.rows[at]), {&segment, run.rows[at]}});
    return true;
  };
  if (request.isDescending) {
    for (size_t at = first; at > 0 && look(at - 1); at--) {
    }
  } else {
    for (size_t at = first; at < size && look(at); at++) {
    }
  }
}

const ValueRuns<int64_t>& runsOf(const IndexedValues& values, int64_t) { return values.integers; }
const ValueRuns<double>& runsOf(const IndexedValues& values, double) { return values.numbers; }
const std::vector<int64_t>& valuesOf(const PayloadIndex::PayloadValues& values, int64_t) {
  return values.integers;
}
const std::vector<double>& valuesOf(const PayloadIndex::PayloadValues& values, double) {
  return values.numbers;
}

template <typename T>
Status orderSegment(const Snapshot& snapshot, size_t at, const PayloadIndex& index,
                    const OrderRequest& request, const FilterNode* filter, const CancelFlag* cancel,
                    Page<T>& page) {
  const SegmentView view(snapshot, at);
  const SegmentRows rows(view, snapshot, cancel);
  WorkMeter& work = rows.work();
  const uint32_t covered = std::min(index.covered(), view.rows);
  const auto indexes = view.segment->indexes();
  std::optional<FilterPlan> plan;
  if (filter != nullptr) plan = planFilter(*filter, rows, *indexes);
  if (plan) plan->prepareForPasses();
  const auto matches = [&](uint32_t row) {
    return work.spend(kUnitsPerRow) && view.isVisible(row) && (!plan || plan->passes(rows, row));
  };
  // Read once: a row whose payload changes meanwhile would otherwise appear with both values.
  RowBitmap overlaid(view.rows);
  rows.overlaidRows(overlaid);
  if (!overlaid.isEmpty()) overlaid.makeDense();
  const auto passes = [&](uint32_t row) {
    return row < covered && !overlaid.contains(row) && matches(row);
  };
  index.readValues([&](const IndexedValues& values) {
    for (const auto& run : runsOf(values, T{}).runs())
      offerRun<T>(run, request, passes, snapshot.segment(at), page);
  });
  const Start<T> start(request);
  const auto offerUnindexed = [&](uint32_t row) {
    if (!matches(row) || !work.spend(rows.payload(row).size() * kUnitsPerByteTaken)) return;
    const PayloadIndex::PayloadValues values = index.valuesOf(rows.payload(row));
    for (const T value : valuesOf(values, T{}))
      if (start.isReached(value) && !page.isBeyond(value))
        page.offer({value, view.segment->id(row), {&snapshot.segment(at), row}});
  };
  overlaid.forEach([&](uint32_t row) {
    if (row < covered) offerUnindexed(row);
  });
  for (uint32_t row = covered; row < view.rows && !work.isStopped(); row++) offerUnindexed(row);
  return work.status();
}

bool isOrdered(PayloadIndexKind kind) {
  return kind == PayloadIndexKind::Integer || kind == PayloadIndexKind::Float ||
         kind == PayloadIndexKind::DateTime;
}

// The field's index in each segment. Taken once, so that an index that is dropped or replaced
// meanwhile goes on answering.
using Indexes = std::vector<std::shared_ptr<const PayloadIndex>>;

template <typename T>
Status orderAll(const Snapshot& snapshot, const Indexes& indexes,
                const std::vector<VectorSpec>& specs, const OrderRequest& request,
                const FilterNode* filter, const CancelFlag* cancel, RowBlock& block,
                Buffer<T>& values) {
  Page<T> page(request.limit, request.isDescending);
  for (size_t at = 0; at < snapshot.count(); at++)
    VICINAL_TRY(orderSegment(snapshot, at, *indexes[at], request, filter, cancel, page));
  std::vector<Placed<T>> placed = page.take();
  std::vector<RowRef> rows;
  for (const Placed<T>& one : placed) rows.push_back(one.row);
  VICINAL_TRY(readMatching(
      snapshot, filter, rows, request.fields, specs, block,
      [&](size_t position) { placed.erase(placed.begin() + static_cast<ptrdiff_t>(position)); },
      cancel));
  if (!values.resize(placed.size())) return Status::outOfMemory("ordering points");
  for (size_t at = 0; at < placed.size(); at++) values[at] = placed[at].value;
  return Status::ok();
}

} // namespace

Status orderBy(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
               const OrderRequest& request, const CancelFlag* cancel, OrderResult& result) {
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(request.filter, snapshot.vectorsNamed(), snapshot, cancel, program));
  const FilterNode* filter = program ? &program->root() : nullptr;
  Indexes indexes;
  for (size_t at = 0; at < snapshot.count(); at++) {
    auto index = findIndex(snapshot.segment(at), request.field);
    // Segments with different kinds of index mean that the index is being replaced right now.
    if (!index || !isOrdered(index->kind()) ||
        (at > 0 && index->kind() != indexes.front()->kind())) {
      return Status(Code::InvalidArgument,
                    "No range index for `order_by` key: `" + request.field +
                        "`. Please create one to use `order_by`: of kind integer, float or "
                        "datetime");
    }
    result.isOfNumbers = index->kind() == PayloadIndexKind::Float;
    indexes.push_back(std::move(index));
  }
  return result.isOfNumbers ? orderAll(snapshot, indexes, specs, request, filter, cancel,
                                       result.rows, result.numbers)
                            : orderAll(snapshot, indexes, specs, request, filter, cancel,
                                       result.rows, result.integers);
}

} // namespace vicinal
