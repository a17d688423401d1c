#include "filter/index_query.hpp"

#include <algorithm>

#include "filter/date_time.hpp"
#include "filter/geo_cells.hpp"

namespace vicinal {

namespace {

// Cost of sorting one row, in rows of a bitmap that could be walked over instead.
constexpr uint32_t kRowsPerSorted = 2048;

template <typename T> Interval<T> exactly(T value) {
  Interval<T> interval;
  interval.limitAbove(value, false);
  interval.limitBelow(value, false);
  return interval;
}

} // namespace

bool IndexQuery::estimate(uint64_t& rows) {
  count_ = 0;
  unsure_ = 0;
  answer_ = nullptr;
  if (!run()) return false;
  rows = count_;
  return true;
}

void IndexQuery::collect(IndexAnswer& answer) {
  answer_ = &answer;
  run();
}

bool IndexQuery::run() {
  // Geo and text indexes keep derived values, so they cannot answer conditions on the values
  // themselves.
  const bool isDerived = kind_ == PayloadIndexKind::Geo || kind_ == PayloadIndexKind::Text;
  switch (leaf_.op) {
  case FilterOp::Match:
  case FilterOp::Except:
  case FilterOp::NumberRange:
  case FilterOp::DateTimeRange:
    if (isDerived) return false;
    break;
  default: break;
  }
  switch (leaf_.op) {
  case FilterOp::StartsWith: return startsWith();
  case FilterOp::InArea: return inArea();
  case FilterOp::HasTokens: return hasTokens();
  case FilterOp::Match: return match();
  case FilterOp::Except: return except();
  case FilterOp::NumberRange: return numberRange();
  case FilterOp::DateTimeRange: return dateTimeRange();
  case FilterOp::IsNull: add(values_.isNull, true); return true;
  case FilterOp::HasNull: add(values_.hasNull, true); return true;
  case FilterOp::IsEmpty:
    count_ += covered_ - std::min(covered_, values_.filled.count());
    if (answer_ != nullptr) {
      RowBitmap empty(answer_->sure.rows());
      RowBitmap filled(answer_->sure.rows());
      values_.filled.addTo(filled);
      empty.addRange(0, covered_);
      empty.subtract(filled);
      answer_->sure.unite(empty);
    }
    return true;
  default: return false;
  }
}

bool IndexQuery::listsOthers() const {
  const MatchValues& listed = leaf_.values;
  switch (kind_) {
  case PayloadIndexKind::Keyword: return !listed.integers.empty() || listed.hasBool();
  case PayloadIndexKind::Uuid:
    return !listed.integers.empty() || listed.hasBool() ||
           !std::all_of(listed.texts.begin(), listed.texts.end(), isUuidText);
  case PayloadIndexKind::Integer:
  case PayloadIndexKind::Float: return !listed.texts.empty() || listed.hasBool();
  case PayloadIndexKind::Bool: return !listed.texts.empty() || !listed.integers.empty();
  case PayloadIndexKind::DateTime:
    return !listed.integers.empty() || listed.hasBool() ||
           !std::all_of(listed.texts.begin(), listed.texts.end(),
                        [](const std::string& text) { return parseDateTime(text).has_value(); });
  case PayloadIndexKind::Geo:
  case PayloadIndexKind::Text: break;
  }
  return true;
}

bool IndexQuery::match() {
  const MatchValues& listed = leaf_.values;
  switch (kind_) {
  case PayloadIndexKind::Keyword:
  case PayloadIndexKind::Uuid:
    forEachOf(listed.texts, [&](const auto& text) { add(values_.texts.find(text), true); });
    break;
  case PayloadIndexKind::Integer:
    forEachOf(listed.integers,
              [&](int64_t integer) { add(values_.integers, exactly(integer), true); });
    break;
  case PayloadIndexKind::Float:
    // 1 and 1.0 are the same double, but Match lists integers only, so the evaluator decides.
    forEachOf(listed.integers, [&](int64_t integer) {
      add(values_.numbers, exactly(static_cast<double>(integer)), false);
    });
    break;
  case PayloadIndexKind::Bool:
    if (listed.hasTrue) add(values_.trues, true);
    if (listed.hasFalse) add(values_.falses, true);
    break;
  case PayloadIndexKind::DateTime:
    // Different texts may denote the same time, so the evaluator decides.
    forEachOf(listed.texts, [&](const auto& text) {
      if (const auto micros = parseDateTime(text)) add(values_.integers, exactly(*micros), false);
    });
    break;
  case PayloadIndexKind::Geo:
  case PayloadIndexKind::Text: return false;
  }
  if (listsOthers()) add(values_.other, false);
  return true;
}

bool IndexQuery::except() {
  const MatchValues& listed = leaf_.values;
  // A value that is not indexed satisfies Except unless it may be one of the listed values. The
  // evaluator decides rows that may have one.
  add(values_.other, !listsOthers());
  const bool listsIndexed = kind_ == PayloadIndexKind::Bool ? listed.hasBool()
                            : kind_ == PayloadIndexKind::Integer || kind_ == PayloadIndexKind::Float
                                ? !listed.integers.empty()
                                : !listed.texts.empty();
  if (!listsIndexed) {
    add(values_.indexed, true);
    return true;
  }
  if (kind_ == PayloadIndexKind::Bool) {
    if (!listed.hasTrue) add(values_.trues, true);
    if (!listed.hasFalse) add(values_.falses, true);
    return true;
  }
  if (kind_ == PayloadIndexKind::Float || kind_ == PayloadIndexKind::DateTime) {
    add(values_.indexed, false);
    return true;
  }
  count_ += values_.indexed.count();
  if (answer_ == nullptr) return true;
  if (values_.isSingle())
    collectUnlistedRows();
  else
    collectUnlistedValues();
  return true;
}

void IndexQuery::collectUnlistedRows() {
  const MatchValues& listed = leaf_.values;
  RowBitmap rows(answer_->sure.rows());
  values_.indexed.addTo(rows);
  rows.makeDense();
  const auto remove = [&](uint32_t row) { rows.remove(row); };
  forEachOf(listed.texts, [&](const auto& text) {
    const RowList found = values_.texts.find(text);
    if (work_.spend(found.count() * kUnitsPerRow)) found.forEach(remove);
  });
  forEachOf(listed.integers,
            [&](int64_t integer) { values_.integers.forEachIn(exactly(integer), remove); });
  answer_->sure.unite(rows);
}

void IndexQuery::collectUnlistedValues() {
  const MatchValues& listed = leaf_.values;
  RowBitmap& sure = answer_->sure;
  sure.makeDense();
  values_.integers.forEach([&](int64_t value, uint32_t row) {
    if (work_.spend(kUnitsPerValue) && !listed.containsInteger(value)) sure.add(row);
  });
  values_.texts.forEach([&](std::string_view text, const RowList& rows) {
    if (!work_.spend(kUnitsPerValue + rows.count() * kUnitsPerRow)) return;
    if (!listed.containsText(text)) rows.forEach([&](uint32_t row) { sure.add(row); });
  });
}

bool IndexQuery::numberRange() {
  if (kind_ == PayloadIndexKind::Float) {
    add(values_.numbers, leaf_.numbers, true);
    return true;
  }
  // Rows with other values may still match: a number that is not an integer, or a number among
  // texts.
  add(values_.other, false);
  if (kind_ == PayloadIndexKind::Integer) add(values_.integers, leaf_.numbers, true);
  return true;
}

bool IndexQuery::dateTimeRange() {
  if (kind_ == PayloadIndexKind::DateTime) {
    add(values_.integers, leaf_.times, true);
    return true;
  }
  if (kind_ == PayloadIndexKind::Keyword) return false;
  add(values_.other, false);
  return true;
}

bool IndexQuery::startsWith() {
  if (kind_ != PayloadIndexKind::Keyword) return false;
  count_ += values_.indexed.count();
  if (answer_ == nullptr) return true;
  RowBitmap& sure = answer_->sure;
  sure.makeDense();
  values_.texts.forEach([&](std::string_view text, const RowList& rows) {
    const auto& prefixes = leaf_.values.texts;
    if (!work_.spend(prefixes.size() * kUnitsPerValue + rows.count() * kUnitsPerRow)) return;
    const bool isFound = std::any_of(prefixes.begin(), prefixes.end(),
                                     [&](const auto& prefix) { return text.starts_with(prefix); });
    if (isFound) rows.forEach([&](uint32_t row) { sure.add(row); });
  });
  return true;
}

bool IndexQuery::inArea() {
  if (kind_ != PayloadIndexKind::Geo) return false;
  for (const CellRun& run : cellsOf(*leaf_.area)) {
    if (!work_.spend(kUnitsPerValue)) break;
    Interval<int64_t> cells = exactly(run.first);
    cells.upper = run.last;
    add(values_.integers, cells, run.isInside);
  }
  return true;
}

bool IndexQuery::hasTokens() {
  if (kind_ != PayloadIndexKind::Text || text_ != leaf_.text->analyzer().options()) return false;
  const bool isAny = leaf_.text->mode() == TextMode::Any;
  std::vector<RowList> lists;
  for (const std::string& token : leaf_.text->tokens()) {
    if (!work_.spend(kUnitsPerValue)) return true;
    const RowList rows = values_.texts.find(token);
    if (rows.count() == 0 && !isAny) return true;
    if (rows.count() > 0) lists.push_back(rows);
  }
  if (isAny)
    for (const RowList& rows : lists) add(rows, true);
  else if (!lists.empty())
    addCommon(lists, leaf_.text->isSetOnly());
  return true;
}

void IndexQuery::addCommon(const std::vector<RowList>& lists, bool isSure) {
  const RowList& shortest = *std::min_element(
      lists.begin(), lists.end(), [](auto& a, auto& b) { return a.count() < b.count(); });
  note(shortest.count(), isSure);
  if (answer_ == nullptr) return;
  std::vector<uint32_t> rows;
  rows.reserve(shortest.count());
  shortest.forEach([&](uint32_t row) { rows.push_back(row); });
  for (const RowList& list : lists) {
    if (&list == &shortest || !work_.spend(rows.size() * kUnitsPerRow)) continue;
    std::erase_if(rows, [&list](uint32_t row) { return !list.contains(row); });
  }
  (isSure ? answer_->sure : answer_->unsure).addAscending(rows.data(), rows.data() + rows.size());
}

void IndexQuery::add(const RowFlags& rows, bool isSure) {
  note(rows.count(), isSure);
  if (answer_ != nullptr) rows.addTo(isSure ? answer_->sure : answer_->unsure);
}

void IndexQuery::add(const RowList& rows, bool isSure) {
  note(rows.count(), isSure);
  if (answer_ == nullptr) return;
  if (!work_.spend(rows.count() * kUnitsPerRow)) return;
  RowBitmap& into = isSure ? answer_->sure : answer_->unsure;
  for (const RowList::Part& part : {rows.filed(), rows.added()})
    into.addAscending(part.data(), part.data() + part.size());
}

template <typename T, typename Bound>
void IndexQuery::add(const ValueRuns<T>& values, const Interval<Bound>& in, bool isSure) {
  const uint64_t count = values.count(in);
  note(count, isSure);
  if (answer_ == nullptr || count == 0 || !work_.spend(count * kUnitsPerRow)) return;
  RowBitmap& into = isSure ? answer_->sure : answer_->unsure;
  if (count * 2 > values.size() && values_.isSingle()) {
    // For most of all values it is faster to remove the others.
    RowBitmap rows(into.rows());
    values_.indexed.addTo(rows);
    rows.makeDense();
    values.forEachOutside(in, [&](uint32_t row) { rows.remove(row); });
    into.unite(rows);
    return;
  }
  if (count > into.rows() / kRowsPerSorted) {
    into.makeDense();
    values.forEachIn(in, [&](uint32_t row) { into.add(row); });
    return;
  }
  std::vector<uint32_t> rows;
  rows.reserve(count);
  values.forEachIn(in, [&](uint32_t row) { rows.push_back(row); });
  std::sort(rows.begin(), rows.end());
  into.addAscending(rows.data(), rows.data() + rows.size());
}

} // namespace vicinal
