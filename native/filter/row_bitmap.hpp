// A set of rows out of 0 to rows() - 1. Few rows are an ascending list, many rows are a bitmap. The
// list turns into a bitmap at the size where both take the same memory.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vicinal {

class RowBitmap {
public:
  // A row takes 32 bits in a list and one bit in a bitmap.
  static constexpr uint32_t kRowsPerListed = 32;

  explicit RowBitmap(uint32_t rows = 0) : rows_(rows) {}
  static RowBitmap all(uint32_t rows);

  uint32_t rows() const { return rows_; }
  uint32_t count() const;
  bool isEmpty() const;
  // Constant time in a bitmap, a binary search in a list. Call `makeDense` before asking for many
  // rows.
  bool contains(uint32_t row) const;
  bool isDense() const { return isDense_; }
  void makeDense();
  // Turns a bitmap with few rows back into a list, which is cheaper to copy and to walk over.
  void compact();
  // The rows of a set that is not dense, ascending.
  std::span<const uint32_t> list() const { return list_; }
  // The bits of a dense set.
  const std::vector<uint64_t>& words() const { return words_; }

  // Adds a row, in any order. A list stays a list only while rows come in ascending order.
  void add(uint32_t row);
  // Adds rows in ascending order; repeated rows are allowed.
  void addAscending(const uint32_t* from, const uint32_t* to);
  // Adds rows [from, to).
  void addRange(uint32_t from, uint32_t to);
  // Adds rows from bits, 64 a word; `first` is the index of the first word. Bits behind the last
  // row are ignored.
  void addWords(std::span<const uint64_t> words, size_t first);
  void remove(uint32_t row);
  void clear();

  // These need a set with the same number of rows.
  void unite(const RowBitmap& other);
  void intersect(const RowBitmap& other);
  void subtract(const RowBitmap& other);
  void complement();

  // Visits rows in ascending order.
  template <typename Visit> void forEach(const Visit& visit) const { forEachFrom(0, visit); }
  template <typename Visit> void forEachFrom(uint32_t first, const Visit& visit) const {
    if (!isDense_) {
      const auto from = std::lower_bound(list_.begin(), list_.end(), first);
      for (auto at = from; at != list_.end(); ++at) visit(*at);
      return;
    }
    uint64_t skipped = ~uint64_t(0) << (first % 64);
    for (size_t at = first / 64; at < words_.size(); at++, skipped = ~uint64_t(0))
      for (uint64_t word = words_[at] & skipped; word != 0; word &= word - 1)
        visit(static_cast<uint32_t>(at * 64 + static_cast<size_t>(std::countr_zero(word))));
  }
  // Visits the first row and then every `step`-th one; `step` is at least 1. Counts bits instead of
  // walking over them.
  template <typename Visit> void forEachNth(uint32_t step, const Visit& visit) const {
    if (!isDense_) {
      for (size_t at = 0; at < list_.size(); at += step) visit(list_[at]);
      return;
    }
    // The number of rows to skip.
    uint32_t left = 0;
    for (size_t at = 0; at < words_.size(); at++) {
      const auto count = static_cast<uint32_t>(std::popcount(words_[at]));
      uint64_t word = words_[at];
      uint32_t passed = 0;
      for (; left < count - passed; passed++, left = step - 1) {
        for (; left > 0; left--, passed++) word &= word - 1;
        visit(static_cast<uint32_t>(at * 64 + static_cast<size_t>(std::countr_zero(word))));
        word &= word - 1;
      }
      left -= count - passed;
    }
  }
  // Keeps the rows for which `keep(row)` is true.
  template <typename Keep> void filter(const Keep& keep) {
    if (!isDense_) {
      std::erase_if(list_, [&](uint32_t row) { return !keep(row); });
      return;
    }
    for (size_t at = 0; at < words_.size(); at++)
      for (uint64_t word = words_[at]; word != 0; word &= word - 1)
        if (!keep(static_cast<uint32_t>(at * 64 + static_cast<size_t>(std::countr_zero(word)))))
          words_[at] &= ~(word & -word);
  }

  size_t bytes() const {
    return list_.capacity() * sizeof(uint32_t) + words_.capacity() * sizeof(uint64_t);
  }

private:
  void clearBehindRows();

  uint32_t rows_;
  bool isDense_ = false;
  std::vector<uint32_t> list_;
  std::vector<uint64_t> words_;
};

} // namespace vicinal
