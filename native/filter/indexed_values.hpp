// What a payload index holds of one field's values: of the first rows in a file, where it has one
// (filed_index.hpp), and of the others in memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <string_view>

#include "filter/posting_lists.hpp"
#include "filter/row_bitmap.hpp"
#include "filter/value_runs.hpp"

namespace vicinal {

// A bit for each row, growing.
class RowFlags {
public:
  // The first `rows` rows, of which `count` are set: in memory that others keep, but for the last
  // word, which rows are added to.
  void adopt(std::span<const uint64_t> words, uint32_t rows, uint32_t count) {
    filed_ = words.first(std::min<size_t>(words.size(), rows / 64));
    words_.assign(words.begin() + static_cast<ptrdiff_t>(filed_.size()), words.end());
    count_ = count;
  }
  // Rows behind those adopted.
  void add(uint32_t row) {
    const size_t at = row / 64 - filed_.size();
    if (at >= words_.size()) words_.resize(at + 1, 0);
    const uint64_t bit = uint64_t(1) << (row % 64);
    count_ += (words_[at] & bit) == 0 ? 1 : 0;
    words_[at] |= bit;
  }
  uint32_t count() const { return count_; }
  // In ascending order.
  template <typename Visit> void forEach(const Visit& visit) const {
    forEachIn(filed_, 0, visit);
    forEachIn(words_, filed_.size(), visit);
  }
  void addTo(RowBitmap& into) const {
    if (count_ > into.rows() / RowBitmap::kRowsPerListed) {
      into.addWords(filed_, 0);
      into.addWords(words_, filed_.size());
      return;
    }
    forEach([&](uint32_t row) { into.add(row); });
  }
  // In memory.
  uint64_t bytes() const { return words_.capacity() * sizeof(uint64_t); }

private:
  template <typename Visit>
  static void forEachIn(std::span<const uint64_t> words, size_t first, const Visit& visit) {
    for (size_t at = 0; at < words.size(); at++)
      for (uint64_t word = words[at]; word != 0; word &= word - 1)
        visit(
            static_cast<uint32_t>((first + at) * 64 + static_cast<size_t>(std::countr_zero(word))));
  }

  std::span<const uint64_t> filed_;
  std::vector<uint64_t> words_;
  uint32_t count_ = 0;
};

struct IndexedValues {
  // Rows where the path leads to something other than null and [].
  RowFlags filled;
  // ... to null.
  RowFlags isNull;
  // ... to null, or an array with a null.
  RowFlags hasNull;
  // ... to a value that is indexed, and to one (not null) that is not.
  RowFlags indexed;
  RowFlags other;

  // Of these an index uses what its kind needs: texts for keywords and UUIDs, integers for integers
  // and for date-times (microseconds), numbers for floats, the last two for bools.
  TextPostings texts;
  ValueRuns<int64_t> integers;
  ValueRuns<double> numbers;
  RowFlags trues;
  RowFlags falses;

  static constexpr size_t kFlags = 7;
  // All flags in the order in which files have them.
  std::array<const RowFlags*, kFlags> flags() const {
    return {&filled, &isNull, &hasNull, &indexed, &other, &trues, &falses};
  }
  std::array<RowFlags*, kFlags> flags() {
    return {&filled, &isNull, &hasNull, &indexed, &other, &trues, &falses};
  }

  // Whether no row has two values, so that the rows of some values are those of no other.
  bool isSingle() const {
    return texts.postings() + integers.size() + numbers.size() + trues.count() + falses.count() ==
           indexed.count();
  }
  // In memory.
  uint64_t bytes() const {
    uint64_t bytes = texts.bytes() + integers.bytes() + numbers.bytes();
    for (const RowFlags* each : flags()) bytes += each->bytes();
    return bytes;
  }
};

// 8-4-4-4-12 hexadecimal digits: what a UUID index takes.
bool isUuidText(std::string_view text);

} // namespace vicinal
