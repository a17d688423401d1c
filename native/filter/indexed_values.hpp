// What a payload index holds of one field's values.
#pragma once

#include <bit>
#include <string_view>

#include "filter/posting_lists.hpp"
#include "filter/row_bitmap.hpp"
#include "filter/value_runs.hpp"

namespace vicinal {

// A bit for each row, growing.
class RowFlags {
public:
  void add(uint32_t row) {
    if (row / 64 >= words_.size()) words_.resize(row / 64 + 1, 0);
    const uint64_t bit = uint64_t(1) << (row % 64);
    count_ += (words_[row / 64] & bit) == 0 ? 1 : 0;
    words_[row / 64] |= bit;
  }
  uint32_t count() const { return count_; }
  // In ascending order.
  template <typename Visit> void forEach(const Visit& visit) const {
    for (size_t at = 0; at < words_.size(); at++)
      for (uint64_t word = words_[at]; word != 0; word &= word - 1)
        visit(static_cast<uint32_t>(at * 64 + static_cast<size_t>(std::countr_zero(word))));
  }
  void addTo(RowBitmap& into) const {
    if (count_ > into.rows() / RowBitmap::kRowsPerListed) {
      into.addWords(words_);
      return;
    }
    for (size_t at = 0; at < words_.size(); at++)
      for (uint64_t word = words_[at]; word != 0; word &= word - 1)
        into.add(static_cast<uint32_t>(at * 64 + static_cast<size_t>(std::countr_zero(word))));
  }
  uint64_t bytes() const { return words_.capacity() * sizeof(uint64_t); }

private:
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

  // Whether no row has two values, so that the rows of some values are those of no other.
  bool isSingle() const {
    return texts.postings() + integers.size() + numbers.size() + trues.count() + falses.count() ==
           indexed.count();
  }
  uint64_t bytes() const {
    uint64_t bytes = texts.bytes() + integers.bytes() + numbers.bytes();
    for (const RowFlags* flags : {&filled, &isNull, &hasNull, &indexed, &other, &trues, &falses})
      bytes += flags->bytes();
    return bytes;
  }
};

// 8-4-4-4-12 hexadecimal digits: what a UUID index takes.
bool isUuidText(std::string_view text);

} // namespace vicinal
