#include "filter/row_bitmap.hpp"

#include <algorithm>

namespace vicinal {

namespace {

size_t wordsFor(uint32_t rows) { return (static_cast<size_t>(rows) + 63) / 64; }

#if defined(__x86_64__)
// Uses an instruction that the oldest processors of this platform may lack.
__attribute__((target("popcnt"))) uint64_t bitsByInstruction(const std::vector<uint64_t>& words) {
  uint64_t bits = 0;
  for (const uint64_t word : words) bits += static_cast<uint64_t>(__builtin_popcountll(word));
  return bits;
}
#endif

uint64_t bitsOf(const std::vector<uint64_t>& words) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("popcnt")) return bitsByInstruction(words);
#endif
  uint64_t bits = 0;
  for (const uint64_t word : words) bits += static_cast<uint64_t>(std::popcount(word));
  return bits;
}

} // namespace

RowBitmap RowBitmap::all(uint32_t rows) {
  RowBitmap set(rows);
  set.addRange(0, rows);
  return set;
}

uint32_t RowBitmap::count() const {
  if (!isDense_) return static_cast<uint32_t>(list_.size());
  return static_cast<uint32_t>(bitsOf(words_));
}

bool RowBitmap::isEmpty() const {
  if (!isDense_) return list_.empty();
  return std::all_of(words_.begin(), words_.end(), [](uint64_t word) { return word == 0; });
}

bool RowBitmap::contains(uint32_t row) const {
  if (row >= rows_) return false;
  if (!isDense_) return std::binary_search(list_.begin(), list_.end(), row);
  return (words_[row / 64] >> (row % 64) & 1) != 0;
}

void RowBitmap::makeDense() {
  if (isDense_) return;
  words_.assign(wordsFor(rows_), 0);
  for (const uint32_t row : list_) words_[row / 64] |= uint64_t(1) << (row % 64);
  list_ = {};
  isDense_ = true;
}

void RowBitmap::compact() {
  if (!isDense_) return;
  const uint32_t few = count();
  if (few >= rows_ / kRowsPerListed) return;
  std::vector<uint32_t> list;
  list.reserve(few);
  forEach([&](uint32_t row) { list.push_back(row); });
  clear();
  list_ = std::move(list);
}

void RowBitmap::add(uint32_t row) {
  if (row >= rows_) return;
  if (!isDense_) {
    if (!list_.empty() && list_.back() == row) return;
    const bool isAscending = list_.empty() || list_.back() < row;
    if (isAscending && list_.size() < rows_ / kRowsPerListed) {
      list_.push_back(row);
      return;
    }
    makeDense();
  }
  words_[row / 64] |= uint64_t(1) << (row % 64);
}

void RowBitmap::addAscending(const uint32_t* from, const uint32_t* to) {
  if (isDense_ || list_.empty()) {
    for (const uint32_t* row = from; row != to; row++) add(*row);
    return;
  }
  RowBitmap added(rows_);
  for (const uint32_t* row = from; row != to; row++) added.add(*row);
  unite(added);
}

void RowBitmap::addRange(uint32_t from, uint32_t to) {
  to = std::min(to, rows_);
  if (from >= to) return;
  if (to - from < 64) {
    for (uint32_t row = from; row < to; row++) add(row);
    return;
  }
  makeDense();
  const size_t first = from / 64, last = (to - 1) / 64;
  const uint64_t fromMask = ~uint64_t(0) << (from % 64);
  const uint64_t toMask = ~uint64_t(0) >> (63 - (to - 1) % 64);
  if (first == last) {
    words_[first] |= fromMask & toMask;
    return;
  }
  words_[first] |= fromMask;
  std::fill(words_.begin() + static_cast<ptrdiff_t>(first) + 1,
            words_.begin() + static_cast<ptrdiff_t>(last), ~uint64_t(0));
  words_[last] |= toMask;
}

void RowBitmap::addWords(std::span<const uint64_t> words, size_t first) {
  makeDense();
  for (size_t at = 0; at < words.size() && first + at < words_.size(); at++)
    words_[first + at] |= words[at];
  clearBehindRows();
}

void RowBitmap::clearBehindRows() {
  if (rows_ % 64 != 0) words_.back() &= (uint64_t(1) << (rows_ % 64)) - 1;
}

void RowBitmap::remove(uint32_t row) {
  if (row >= rows_) return;
  if (isDense_)
    words_[row / 64] &= ~(uint64_t(1) << (row % 64));
  else
    std::erase(list_, row);
}

void RowBitmap::clear() {
  isDense_ = false;
  list_.clear();
  words_ = {};
}

void RowBitmap::unite(const RowBitmap& other) {
  if (!isDense_ && !other.isDense_) {
    std::vector<uint32_t> both;
    both.reserve(list_.size() + other.list_.size());
    std::set_union(list_.begin(), list_.end(), other.list_.begin(), other.list_.end(),
                   std::back_inserter(both));
    list_ = std::move(both);
    if (list_.size() > rows_ / kRowsPerListed) makeDense();
    return;
  }
  makeDense();
  if (!other.isDense_) {
    for (const uint32_t row : other.list_) words_[row / 64] |= uint64_t(1) << (row % 64);
    return;
  }
  for (size_t at = 0; at < words_.size(); at++) words_[at] |= other.words_[at];
}

void RowBitmap::intersect(const RowBitmap& other) {
  if (!isDense_) {
    filter([&](uint32_t row) { return other.contains(row); });
    return;
  }
  if (!other.isDense_) {
    std::vector<uint32_t> both;
    for (const uint32_t row : other.list_)
      if (contains(row)) both.push_back(row);
    clear();
    list_ = std::move(both);
    return;
  }
  for (size_t at = 0; at < words_.size(); at++) words_[at] &= other.words_[at];
}

void RowBitmap::subtract(const RowBitmap& other) {
  if (!other.isDense_ && other.list_.empty()) return;
  if (!isDense_) {
    filter([&](uint32_t row) { return !other.contains(row); });
    return;
  }
  if (!other.isDense_) {
    for (const uint32_t row : other.list_) words_[row / 64] &= ~(uint64_t(1) << (row % 64));
    return;
  }
  for (size_t at = 0; at < words_.size(); at++) words_[at] &= ~other.words_[at];
}

void RowBitmap::complement() {
  makeDense();
  for (uint64_t& word : words_) word = ~word;
  clearBehindRows();
}

} // namespace vicinal
