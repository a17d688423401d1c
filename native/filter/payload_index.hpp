// The values of one payload field over the rows of one segment, as they were appended. It answers
// conditions on that field with exactly the rows that the evaluator would accept.
//
// A value of another type than the index's (text under an integer index) is not indexed. The index
// remembers rows with such values. If such a value could satisfy a condition, the index returns
// these rows as unsure, and the evaluator decides.
//
// Threads: one writer appends, readers run beside it. Readers hold a shared lock while they collect
// rows. The writer first extracts values from payloads, then holds an exclusive lock while it adds
// them.
//
// The first rows of an index may be mapped from a file (`adopt`); later rows are always in memory.
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
  // INVALID_ARGUMENT if `field` is not a payload path. `text` configures the analyzer of a text
  // index.
  static Result<std::shared_ptr<PayloadIndex>> create(std::string field, PayloadIndexKind kind,
                                                      const TextOptions& text = {});
  ~PayloadIndex();

  // Call this before any other method: the index begins with the file's contents.
  void adopt(std::shared_ptr<FiledIndex> filed);
  // Null if the whole index is in memory.
  const FiledIndex* filed() const { return filed_.get(); }
  // Drops resident pages that the file backs.
  void shed() const;

  const std::string& field() const { return field_; }
  PayloadIndexKind kind() const { return kind_; }
  const JsonPath& path() const { return path_; }
  const TextOptions& textOptions() const { return analyzer_.options(); }
  // Whether values may have graphs of their own (segment/value_spaces.hpp). Only keyword indexes
  // can: they index every text, so they know all rows of a value.
  bool hasGraphs() const { return hasGraphs_ && kind_ == PayloadIndexKind::Keyword; }
  // Call before the index is shared.
  void setHasGraphs(bool hasGraphs) { hasGraphs_ = hasGraphs; }

  // ---- the writer

  // Indexes rows [from, to); `from` is the present coverage. `appended(row)` returns the payload
  // with which a row was appended (not its overlay). Chunks may have any size; large ones are
  // cheaper.
  template <typename Appended> void build(const Appended& appended, uint32_t from, uint32_t to) {
    Batch* batch = &startBatch(from);
    for (uint32_t row = from; row < to; row++) {
      extract(*batch, row, appended(row));
      if (row + 1 == to || !isFull(*batch)) continue;
      // An uncommitted value takes many times its memory in the index, so full batches are
      // committed at once.
      commitBatch(row + 1);
      batch = &startBatch(row + 1);
    }
    commitBatch(to);
  }

  // ---- readers

  // Rows [0, covered()) are indexed.
  uint32_t covered() const { return covered_.load(std::memory_order_acquire); }
  // Whether `answer` can find the rows of the condition. `estimate` becomes a cheap upper bound of
  // the rows, sure and unsure ones.
  bool canAnswer(const FilterNode& leaf, uint32_t rows, uint32_t& estimate, WorkMeter& work) const;
  // An upper bound of the rows that `answer` would be unsure of.
  uint64_t unsureRows(const FilterNode& leaf, WorkMeter& work) const;
  // The rows below `rows` that satisfy the condition, for which `canAnswer` must be true.
  // Meaningless if the work was stopped meanwhile.
  std::shared_ptr<const IndexAnswer> answer(const FilterNode& leaf, uint32_t rows,
                                            WorkMeter& work) const;

  // Calls `read` with the indexed values of at least rows [0, covered()), as they were appended.
  // Nothing is added while `read` runs. Texts keep their addresses for the life of the index.
  void readValues(const std::function<void(const IndexedValues&)>& read) const;
  // The values that the index would take from a payload, each once.
  struct PayloadValues {
    std::vector<std::string> texts;
    std::vector<int64_t> integers;
    std::vector<double> numbers;
    bool hasTrue = false;
    bool hasFalse = false;
  };
  PayloadValues valuesOf(std::string_view payload) const;
  // Whether the index would take a value from a payload.
  bool hasValue(std::string_view payload) const;

  // Rows with a value in the index, deleted ones included.
  uint32_t points() const;
  // Bytes in memory, without the file.
  uint64_t bytes() const;

private:
  struct Batch;
  struct Values;

  PayloadIndex(std::string field, PayloadIndexKind kind, JsonPath path, const TextOptions& text);
  Batch& startBatch(uint32_t from);
  static bool isFull(const Batch& batch);
  void extract(Batch& batch, uint32_t row, std::string_view payload) const;
  // Adds the value to the batch if this kind of index indexes it.
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
