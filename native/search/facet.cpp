#include "search/facet.hpp"

#include <algorithm>
#include <deque>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "filter/indexed_values.hpp"
#include "search/field_index.hpp"
#include "search/matching_rows.hpp"

namespace vicinal {

namespace {

// A bitmap of rows with lookups in constant time.
class RowBits {
public:
  explicit RowBits(uint32_t rows) : rows_(rows), words_(rows / 64 + 1, 0) {}
  void add(uint32_t row) { words_[row / 64] |= uint64_t(1) << (row % 64); }
  bool has(uint32_t row) const { return row < rows_ && (words_[row / 64] >> (row % 64) & 1) != 0; }

private:
  uint32_t rows_;
  std::vector<uint64_t> words_;
};

// Counts by value over all segments. Texts are in the indexes, which are kept alive, or in
// `owned_`.
class Counts {
public:
  void text(std::string_view text, uint64_t more) {
    if (more > 0) texts_[text] += more;
  }
  void ownText(const std::string& text) {
    const auto known = texts_.find(text);
    if (known != texts_.end())
      known->second++;
    else
      texts_[owned_.emplace_back(text)] = 1;
  }
  void integer(int64_t value, uint64_t more) {
    if (more > 0) integers_[value] += more;
  }
  void keep(std::shared_ptr<const PayloadIndex> index) { kept_.push_back(std::move(index)); }

  Status best(size_t limit, FacetResult& result) const {
    if (!integers_.empty()) {
      return bestOf(integers_, limit, result,
                    [&](int64_t value) { return result.integers.push(value); });
    }
    if (!result.offsets.push(0)) return Status::outOfMemory("counting values");
    return bestOf(texts_, limit, result, [&](std::string_view text) {
      return result.texts.append(text.data(), text.size()) &&
             result.offsets.push(static_cast<uint32_t>(result.texts.size()));
    });
  }

private:
  template <typename Map, typename Push>
  static Status bestOf(const Map& counts, size_t limit, FacetResult& result, const Push& push) {
    using Entry = std::pair<typename Map::key_type, uint64_t>;
    std::vector<Entry> entries(counts.begin(), counts.end());
    const size_t kept = std::min(limit, entries.size());
    std::partial_sort(entries.begin(), entries.begin() + ptrdiff_t(kept), entries.end(),
                      [](const Entry& a, const Entry& b) {
                        return a.second > b.second || (a.second == b.second && a.first < b.first);
                      });
    for (size_t at = 0; at < kept; at++)
      if (!push(entries[at].first) || !result.counts.push(static_cast<double>(entries[at].second)))
        return Status::outOfMemory("counting values");
    return Status::ok();
  }

  std::unordered_map<std::string_view, uint64_t> texts_;
  std::unordered_map<int64_t, uint64_t> integers_;
  std::deque<std::string> owned_;
  std::vector<std::shared_ptr<const PayloadIndex>> kept_;
};

// Cost of counting a value, and of each of its rows.
constexpr uint64_t kUnitsPerCounted = 64;
constexpr uint64_t kUnitsPerPosting = 2;

void countRuns(const ValueRuns<int64_t>& values, const RowBits& rows, WorkMeter& work,
               Counts& counts) {
  for (const auto& run : values.runs()) {
    for (size_t from = 0; from < run.size();) {
      const int64_t value = run.values[from];
      uint64_t counted = 0;
      size_t at = from;
      for (; at < run.size() && run.values[at] == value; at++) {
        // A row that has the same value twice counts once.
        const bool isRepeated = at > from && run.rows[at] == run.rows[at - 1];
        counted += !isRepeated && rows.has(run.rows[at]) ? 1 : 0;
      }
      if (!work.spend(kUnitsPerCounted + (at - from) * kUnitsPerPosting)) return;
      counts.integer(value, counted);
      from = at;
    }
  }
}

void countIndexed(const PayloadIndex& index, const RowBits& rows, WorkMeter& work, Counts& counts) {
  const auto countOf = [&](const auto& flags) {
    uint64_t counted = 0;
    flags.forEach([&](uint32_t row) { counted += rows.has(row) ? 1 : 0; });
    return counted;
  };
  index.readValues([&](const IndexedValues& values) {
    values.texts.forEach([&](std::string_view text, const RowList& list) {
      if (!work.spend(kUnitsPerCounted + list.count() * kUnitsPerPosting)) return;
      uint64_t counted = 0;
      list.forEach([&](uint32_t row) { counted += rows.has(row) ? 1 : 0; });
      counts.text(text, counted);
    });
    countRuns(values.integers, rows, work, counts);
    if (index.kind() == PayloadIndexKind::Bool) {
      counts.integer(0, countOf(values.falses));
      counts.integer(1, countOf(values.trues));
    }
  });
}

void countPayload(const PayloadIndex& index, std::string_view payload, Counts& counts) {
  const PayloadIndex::PayloadValues values = index.valuesOf(payload);
  for (const std::string& text : values.texts) counts.ownText(text);
  for (const int64_t integer : values.integers) counts.integer(integer, 1);
  counts.integer(0, values.hasFalse ? 1 : 0);
  counts.integer(1, values.hasTrue ? 1 : 0);
}

Status countSegment(const Snapshot& snapshot, size_t at, const PayloadIndex& index,
                    const FilterNode* filter, const CancelFlag* cancel, Counts& counts) {
  const SegmentView view(snapshot, at);
  const uint32_t covered = std::min(index.covered(), view.rows);
  const PayloadStore& payloads = view.segment->payloads();
  RowBits indexed(covered);
  RowBits others(view.rows);
  const auto visit = [&](uint32_t row, const auto& passes) {
    if (!passes()) return;
    if (row < covered && !payloads.isOverlaid(row))
      indexed.add(row);
    else
      others.add(row);
  };
  VICINAL_TRY(filter == nullptr ? forEachVisible(view, cancel, visit)
                                : forEachMatch(view, snapshot, *filter, cancel, visit));
  const SegmentRows rows(view, snapshot, cancel);
  WorkMeter& work = rows.work();
  countIndexed(index, indexed, work, counts);
  forEachUnindexed(view, rows, covered, [&](uint32_t row, std::string_view payload) {
    if (others.has(row) && work.spend(payload.size() * kUnitsPerByteTaken))
      countPayload(index, payload, counts);
  });
  return work.look();
}

bool isCounted(PayloadIndexKind kind) {
  return kind == PayloadIndexKind::Keyword || kind == PayloadIndexKind::Integer ||
         kind == PayloadIndexKind::Uuid || kind == PayloadIndexKind::Bool;
}

} // namespace

Status facet(const Snapshot& snapshot, size_t vectors, const FacetRequest& request,
             const CancelFlag* cancel, FacetResult& result) {
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(request.filter, vectors, snapshot, cancel, program));
  Counts counts;
  for (size_t at = 0; at < snapshot.count(); at++) {
    const auto index = findIndex(snapshot.segment(at), request.field);
    if (!index || !isCounted(index->kind())) {
      return Status(Code::InvalidArgument,
                    "No appropriate index for faceting: `" + request.field +
                        "`. Please create one to facet on this field: of kind keyword, integer, "
                        "uuid or bool");
    }
    result.kind = index->kind();
    counts.keep(index);
    VICINAL_TRY(
        countSegment(snapshot, at, *index, program ? &program->root() : nullptr, cancel, counts));
  }
  return counts.best(request.limit, result);
}

} // namespace vicinal
