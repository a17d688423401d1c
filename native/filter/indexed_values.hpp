// The values of one field in a payload index. Those of the first rows may be in a file
// (filed_index.hpp); the others are in memory.
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

// A growing bitmap of rows.
class RowFlags {
public:
  // Takes over the first `rows` rows, `count` of them set. The words stay in the caller's memory
  // except the last one, to which rows may still be added.
  void adopt(std::span<const uint64_t> words, uint32_t rows, uint32_t count) {
    filed_ = words.first(std::min<size_t>(words.size(), rows / 64));
    words_.assign(words.begin() + static_cast<ptrdiff_t>(filed_.size()), words.end());
    count_ = count;
  }
  // Adds a row behind the adopted ones.
  void add(uint32_t row) {
    const size_t at = row / 64 - filed_.size();
    if (at >= words_.size()) words_.resize(at + 1, 0);
    const uint64_t bit = uint64_t(1) << (row % 64);
    count_ += (words_[at] & bit) == 0 ? 1 : 0;
    words_[at] |= bit;
  }
  uint32_t count() const { return count_; }
  // Visits rows in ascending order.
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
  // Bytes in memory, without the file.
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
  // Rows whose value at the path is something other than null and [].
  RowFlags filled;
  // Rows whose value is null.
  RowFlags isNull;
  // Rows whose value is null or an array with a null.
  RowFlags hasNull;
  // Rows with a value that is indexed, and rows with a value (not null) that is not.
  RowFlags indexed;
  RowFlags other;

  // Each kind of index uses some of these. `texts`: keywords and UUIDs. `integers`: integers and
  // date-times (microseconds). `numbers`: floats. `trues` and `falses`: bools.
  TextPostings texts;
  ValueRuns<int64_t> integers;
  ValueRuns<double> numbers;
  RowFlags trues;
  RowFlags falses;

  static constexpr size_t kFlags = 7;
  // All flags in the order of files.
  std::array<const RowFlags*, kFlags> flags() const {
    return {&filled, &isNull, &hasNull, &indexed, &other, &trues, &falses};
  }
  std::array<RowFlags*, kFlags> flags() {
    return {&filled, &isNull, &hasNull, &indexed, &other, &trues, &falses};
  }

  // Whether every row has at most one value. The row sets of different values are then disjoint.
  bool isSingle() const {
    return texts.postings() + integers.size() + numbers.size() + trues.count() + falses.count() ==
           indexed.count();
  }
  // Bytes in memory, without the file.
  uint64_t bytes() const {
    uint64_t bytes = texts.bytes() + integers.bytes() + numbers.bytes();
    for (const RowFlags* each : flags()) bytes += each->bytes();
    return bytes;
  }
};

// Whether the text has the form of a UUID: 8-4-4-4-12 hexadecimal digits.
bool isUuidText(std::string_view text);

} // namespace vicinal
