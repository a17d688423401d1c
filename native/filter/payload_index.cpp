#include "filter/payload_index.hpp"

#include <algorithm>
#include <mutex>

#include "filter/date_time.hpp"
#include "filter/filed_index.hpp"
#include "filter/geo_cells.hpp"
#include "filter/index_query.hpp"
#include "filter/indexed_values.hpp"

namespace vicinal {

// Values extracted from rows before the lock is taken.
struct PayloadIndex::Batch {
  struct RowFacts {
    bool isFilled = false, isNull = false, hasNull = false, isIndexed = false, hasOther = false;
  };
  uint32_t from = 0;
  std::vector<RowFacts> facts;
  std::vector<std::pair<std::string, uint32_t>> texts;
  ValueRuns<int64_t>::Entries integers;
  ValueRuns<double>::Entries numbers;
  std::vector<uint32_t> trues;
  std::vector<uint32_t> falses;
};

struct PayloadIndex::Values : IndexedValues {};

PayloadIndex::PayloadIndex(std::string field, PayloadIndexKind kind, JsonPath path,
                           const TextOptions& text)
    : field_(std::move(field)), kind_(kind), path_(std::move(path)), analyzer_(text),
      batch_(std::make_unique<Batch>()), values_(std::make_unique<Values>()) {}

PayloadIndex::~PayloadIndex() = default;

Result<std::shared_ptr<PayloadIndex>> PayloadIndex::create(std::string field, PayloadIndexKind kind,
                                                           const TextOptions& text) {
  auto path = JsonPath::parse(field);
  if (!path) return path.status();
  return std::shared_ptr<PayloadIndex>(new PayloadIndex(std::move(field), kind, path.take(), text));
}

void PayloadIndex::adopt(std::shared_ptr<FiledIndex> filed) {
  filed_ = std::move(filed);
  const auto flags = values_->flags();
  for (size_t at = 0; at < flags.size(); at++)
    flags[at]->adopt(filed_->flags[at].words, filed_->rows, filed_->flags[at].count);
  values_->texts.adopt(filed_->texts);
  values_->integers.adopt(filed_->integers, filed_->integerRows);
  values_->numbers.adopt(filed_->numbers, filed_->numberRows);
  covered_.store(filed_->rows, std::memory_order_release);
}

void PayloadIndex::shed() const {
  if (filed_) filed_->region.shed();
}

PayloadIndex::Batch& PayloadIndex::startBatch(uint32_t from) {
  *batch_ = Batch{};
  batch_->from = from;
  return *batch_;
}

void PayloadIndex::extract(Batch& batch, uint32_t row, std::string_view payload) const {
  Batch::RowFacts& facts = batch.facts.emplace_back();
  const auto index = [&](JsonValue value) {
    (take(batch, row, value) ? facts.isIndexed : facts.hasOther) = true;
  };
  path_.visit(JsonValue::of(payload), [&](JsonValue value) {
    const bool isNull = value.kind() == JsonKind::Null;
    facts.isNull |= isNull;
    facts.hasNull |= isNull;
    facts.isFilled |= !isNull && !value.isEmptyArray();
    if (value.kind() == JsonKind::Array) {
      value.visitElements([&](JsonValue element) {
        if (element.kind() == JsonKind::Null)
          facts.hasNull = true;
        else
          index(element);
        return false;
      });
    } else if (!isNull) {
      index(value);
    }
    return false;
  });
}

bool PayloadIndex::take(Batch& batch, uint32_t row, JsonValue value) const {
  switch (kind_) {
  case PayloadIndexKind::Keyword:
  case PayloadIndexKind::Uuid: {
    std::string scratch;
    const auto text = value.text(scratch);
    if (!text || (kind_ == PayloadIndexKind::Uuid && !isUuidText(*text))) return false;
    batch.texts.emplace_back(*text, row);
    return true;
  }
  case PayloadIndexKind::Integer: {
    const auto integer = value.integer();
    if (integer) batch.integers.emplace_back(*integer, row);
    return integer.has_value();
  }
  case PayloadIndexKind::Float: {
    const auto number = value.number();
    if (number) batch.numbers.emplace_back(*number, row);
    return number.has_value();
  }
  case PayloadIndexKind::Bool: {
    const JsonKind kind = value.kind();
    if (kind == JsonKind::True) batch.trues.push_back(row);
    if (kind == JsonKind::False) batch.falses.push_back(row);
    return kind == JsonKind::True || kind == JsonKind::False;
  }
  case PayloadIndexKind::DateTime: {
    std::string scratch;
    const auto text = value.text(scratch);
    const auto micros = text ? parseDateTime(*text) : std::nullopt;
    if (micros) batch.integers.emplace_back(*micros, row);
    return micros.has_value();
  }
  case PayloadIndexKind::Geo: {
    const auto point = geoPointOf(value);
    if (point) batch.integers.emplace_back(cellOf(*point), row);
    return point.has_value();
  }
  case PayloadIndexKind::Text: {
    std::string scratch;
    const auto text = value.text(scratch);
    if (!text) return false;
    analyzer_.ofDocument(
        *text, [&](std::string_view token, bool) { batch.texts.emplace_back(token, row); });
    return true;
  }
  }
  return false;
}

bool PayloadIndex::isFull(const Batch& batch) {
  constexpr size_t kMostTexts = size_t(1) << 20;
  return batch.texts.size() >= kMostTexts;
}

void PayloadIndex::commitBatch(uint32_t to) {
  Batch& batch = *batch_;
  size_t keptIntegers = 0, keptNumbers = 0;
  auto integers = values_->integers.merged(std::move(batch.integers), keptIntegers);
  auto numbers = values_->numbers.merged(std::move(batch.numbers), keptNumbers);
  {
    std::unique_lock lock(mutex_);
    values_->integers.put(std::move(integers), keptIntegers);
    values_->numbers.put(std::move(numbers), keptNumbers);
    for (const auto& [text, row] : batch.texts) values_->texts.add(text, row);
    for (const uint32_t row : batch.trues) values_->trues.add(row);
    for (const uint32_t row : batch.falses) values_->falses.add(row);
    for (size_t at = 0; at < batch.facts.size(); at++) {
      const uint32_t row = batch.from + static_cast<uint32_t>(at);
      const Batch::RowFacts& facts = batch.facts[at];
      if (facts.isFilled) values_->filled.add(row);
      if (facts.isNull) values_->isNull.add(row);
      if (facts.hasNull) values_->hasNull.add(row);
      if (facts.isIndexed) values_->indexed.add(row);
      if (facts.hasOther) values_->other.add(row);
    }
    covered_.store(to, std::memory_order_release);
  }
  batch = Batch{};
}

bool PayloadIndex::canAnswer(const FilterNode& leaf, uint32_t rows, uint32_t& estimate,
                             WorkMeter& work) const {
  std::shared_lock lock(mutex_);
  uint64_t found = 0;
  if (!IndexQuery(kind_, *values_, leaf, covered(), analyzer_.options(), work).estimate(found))
    return false;
  estimate = static_cast<uint32_t>(std::min<uint64_t>(found, rows));
  return true;
}

uint64_t PayloadIndex::unsureRows(const FilterNode& leaf, WorkMeter& work) const {
  std::shared_lock lock(mutex_);
  uint64_t found = 0;
  IndexQuery query(kind_, *values_, leaf, covered(), analyzer_.options(), work);
  return query.estimate(found) ? query.unsure() : 0;
}

std::shared_ptr<const IndexAnswer> PayloadIndex::answer(const FilterNode& leaf, uint32_t rows,
                                                        WorkMeter& work) const {
  std::shared_lock lock(mutex_);
  const uint32_t known = std::min(covered(), rows);
  if (auto last = lastAnswers_.find(leaf, rows, known)) return last;
  const auto answer = std::make_shared<IndexAnswer>();
  answer->sure = answer->unsure = RowBitmap(rows);
  answer->covered = known;
  IndexQuery(kind_, *values_, leaf, covered(), analyzer_.options(), work).collect(*answer);
  // Short lists are not cached, because collecting them is as fast as finding them in the cache.
  const bool isWorthKeeping =
      !work.isStopped() && (answer->sure.isDense() || answer->unsure.isDense());
  answer->sure.compact();
  answer->unsure.compact();
  answer->sureCount = answer->sure.count();
  if (isWorthKeeping) lastAnswers_.keep(leaf, answer);
  return answer;
}

void PayloadIndex::readValues(const std::function<void(const IndexedValues&)>& read) const {
  std::shared_lock lock(mutex_);
  read(*values_);
}

PayloadIndex::PayloadValues PayloadIndex::valuesOf(std::string_view payload) const {
  const auto distinct = [](auto& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
  };
  Batch batch;
  extract(batch, 0, payload);
  PayloadValues values;
  for (auto& [text, row] : batch.texts) values.texts.push_back(std::move(text));
  for (const auto& [integer, row] : batch.integers) values.integers.push_back(integer);
  for (const auto& [number, row] : batch.numbers) values.numbers.push_back(number);
  distinct(values.texts);
  distinct(values.integers);
  distinct(values.numbers);
  values.hasTrue = !batch.trues.empty();
  values.hasFalse = !batch.falses.empty();
  return values;
}

bool PayloadIndex::hasValue(std::string_view payload) const {
  Batch batch;
  extract(batch, 0, payload);
  return batch.facts.front().isIndexed;
}

uint32_t PayloadIndex::points() const {
  std::shared_lock lock(mutex_);
  return values_->indexed.count();
}

uint64_t PayloadIndex::bytes() const {
  std::shared_lock lock(mutex_);
  return values_->bytes() + lastAnswers_.bytes();
}

} // namespace vicinal
