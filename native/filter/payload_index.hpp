// The values of one payload field over the rows of one segment, as they were appended. It answers
// conditions on that field with the rows that match, exactly as the evaluator would.
//
// Values of another type than the index's (text under an integer index) are not indexed, but the
// rows that have one are remembered, and come back as rows that are yet to be evaluated where such
// a value could satisfy the condition.
//
// Threads: one writer appends; readers run beside it. Readers hold a shared lock while rows are
// collected, the writer an exclusive one while it adds what it has read from the payloads before.
//
// The first rows of an index may be in a file that is mapped (`adopt`); rows that come are in
// memory in either case.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "filter/answer_cache.hpp"
#include "filter/program.hpp"
#include "filter/row_source.hpp"

namespace vicinal {

struct FiledIndex;
struct IndexedValues;

enum class PayloadIndexKind : uint8_t { Keyword, Integer, Float, Bool, DateTime, Uuid, Geo, Text };

class PayloadIndex {
public:
  // INVALID_ARGUMENT where `field` is no payload path.
  // `text` says how texts are taken apart, where they are.
  static Result<std::shared_ptr<PayloadIndex>> create(std::string field, PayloadIndexKind kind,
                                                      const TextOptions& text = {});
  ~PayloadIndex();

  // Before anything else is done to it: the index begins with what the file has.
  void adopt(std::shared_ptr<FiledIndex> filed);
  // Null where all is in memory.
  const FiledIndex* filed() const { return filed_.get(); }
  // Gives back what memory the file stands behind.
  void shed() const;

  const std::string& field() const { return field_; }
  PayloadIndexKind kind() const { return kind_; }
  const JsonPath& path() const { return path_; }
  const TextOptions& textOptions() const { return analyzer_.options(); }
  // Whether rows of its values may have graphs of their own (segment/value_spaces.hpp): of an index
  // that knows every text, and so every row that has one.
  bool hasGraphs() const { return hasGraphs_ && kind_ == PayloadIndexKind::Keyword; }
  // Before others see it.
  void setHasGraphs(bool hasGraphs) { hasGraphs_ = hasGraphs; }

  // ---- the writer

  // Rows [from, to), where `from` is the coverage so far and `appended(row)` gives the text a row
  // was appended with (not its overlay). Called for chunks of any size; large ones are cheaper.
  template <typename Appended> void build(const Appended& appended, uint32_t from, uint32_t to) {
    Batch* batch = &startBatch(from);
    for (uint32_t row = from; row < to; row++) {
      extract(*batch, row, appended(row));
      if (row + 1 == to || !isFull(*batch)) continue;
      // Until it is committed, each value takes many times what it takes in the index.
      commitBatch(row + 1);
      batch = &startBatch(row + 1);
    }
    commitBatch(to);
  }

  // ---- readers

  // Rows [0, covered()) are indexed.
  uint32_t covered() const { return covered_.load(std::memory_order_acquire); }
  // Whether `answer` would find the rows of the condition. A cheap estimate of how many come with
  // it (sure and unsure ones), never too low.
  bool canAnswer(const FilterNode& leaf, uint32_t rows, uint32_t& estimate, WorkMeter& work) const;
  // Of those that `answer` finds, how many it is unsure of, at most.
  uint64_t unsureRows(const FilterNode& leaf, WorkMeter& work) const;
  // The rows below `rows` that satisfy the condition, for which `canAnswer` holds.
  // Means nothing where the work was stopped meanwhile.
  std::shared_ptr<const IndexAnswer> answer(const FilterNode& leaf, uint32_t rows,
                                            WorkMeter& work) const;

  // What is indexed, of rows [0, covered()) at least, and as they were appended. Nothing is added
  // while `read` runs. Texts stay where they are for as long as the index.
  void readValues(const std::function<void(const IndexedValues&)>& read) const;
  // What the index would take of a payload, each value once.
  struct PayloadValues {
    std::vector<std::string> texts;
    std::vector<int64_t> integers;
    std::vector<double> numbers;
    bool hasTrue = false;
    bool hasFalse = false;
  };
  PayloadValues valuesOf(std::string_view payload) const;

  // Rows with a value in the index.
  uint32_t points() const;
  // In memory alone.
  uint64_t bytes() const;

private:
  struct Batch;
  struct Values;

  PayloadIndex(std::string field, PayloadIndexKind kind, JsonPath path, const TextOptions& text);
  Batch& startBatch(uint32_t from);
  static bool isFull(const Batch& batch);
  void extract(Batch& batch, uint32_t row, std::string_view payload) const;
  // Adds the value to the batch, where it is one for this kind of index.
  bool take(Batch& batch, uint32_t row, JsonValue value) const;
  void commitBatch(uint32_t to);

  const std::string field_;
  const PayloadIndexKind kind_;
  const JsonPath path_;
  const TextAnalyzer analyzer_;
  bool hasGraphs_ = true;
  std::shared_ptr<FiledIndex> filed_;
  std::unique_ptr<Batch> batch_;
  std::unique_ptr<Values> values_;
  mutable AnswerCache lastAnswers_;
  mutable std::shared_mutex mutex_;
  std::atomic<uint32_t> covered_{0};
};

} // namespace vicinal
