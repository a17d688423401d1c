// Texts, and for each the rows that have it. Grows only; what it begins with may be in a file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace vicinal {

// Ascending rows. The first needs no memory of its own: of many fields each value is in one row.
class PostingList {
public:
  // Rows come in ascending order; one that was just added is not added again.
  void push(uint32_t row);
  uint32_t count() const { return count_; }
  const uint32_t* begin() const { return many_ ? many_.get() : &first_; }
  const uint32_t* end() const { return begin() + count_; }
  uint64_t bytes() const { return static_cast<uint64_t>(capacity_) * sizeof(uint32_t); }

private:
  uint32_t count_ = 0;
  uint32_t capacity_ = 0;
  uint32_t first_ = 0;
  std::unique_ptr<uint32_t[]> many_;
};

// The rows of a text: those of the file, and behind them those that came since.
class RowList {
public:
  using Part = std::span<const uint32_t>;

  RowList(Part filed, Part added) : filed_(filed), added_(added) {}

  uint32_t count() const { return static_cast<uint32_t>(filed_.size() + added_.size()); }
  // In ascending order.
  template <typename Visit> void forEach(const Visit& visit) const {
    for (const uint32_t row : filed_) visit(row);
    for (const uint32_t row : added_) visit(row);
  }
  bool contains(uint32_t row) const {
    const Part& part = !added_.empty() && row >= added_.front() ? added_ : filed_;
    return std::binary_search(part.begin(), part.end(), row);
  }
  const Part& filed() const { return filed_; }
  const Part& added() const { return added_; }

private:
  Part filed_;
  Part added_;
};

// Texts in ascending order with their rows, in memory that others keep.
struct FiledTexts {
  // One more than texts: where each begins among the characters, and its rows among the rows.
  std::span<const uint64_t> textAt;
  std::span<const char> characters;
  std::span<const uint64_t> rowsAt;
  std::span<const uint32_t> rows;

  size_t size() const { return textAt.empty() ? 0 : textAt.size() - 1; }
  std::string_view text(size_t at) const {
    return {characters.data() + textAt[at], textAt[at + 1] - textAt[at]};
  }
  RowList::Part rowsOf(size_t at) const {
    return rows.subspan(rowsAt[at], rowsAt[at + 1] - rowsAt[at]);
  }
  RowList::Part find(std::string_view text) const;
};

class TextPostings {
public:
  // What it begins with; every row added is behind the rows in there.
  void adopt(const FiledTexts& filed);
  void add(std::string_view text, uint32_t row);
  // The rows of a text; none where it is unknown.
  RowList find(std::string_view text) const;
  // `visit(text, rows)` for every text, in no order; twice where it has rows in both parts.
  template <typename Visit> void forEach(const Visit& visit) const {
    for (size_t at = 0; at < filed_.size(); at++)
      visit(filed_.text(at), RowList(filed_.rowsOf(at), {}));
    for (const Entry& entry : entries_)
      visit(entry.text(), RowList({}, {entry.rows.begin(), entry.rows.end()}));
  }
  // Over all texts.
  uint64_t postings() const { return postings_; }
  // In memory.
  uint64_t bytes() const;

private:
  struct Entry {
    const char* characters = nullptr;
    uint32_t length = 0;
    uint32_t hash = 0;
    PostingList rows;
    std::string_view text() const { return {characters, length}; }
  };

  static uint32_t hashOf(std::string_view text);
  // Where in the table the text is, or the free place where it belongs.
  size_t slotOf(std::string_view text, uint32_t hash) const;
  void growTable();
  const char* keep(std::string_view text);

  FiledTexts filed_;
  std::vector<Entry> entries_;
  // Open addressing: 0, or the position of an entry plus one. At most half full; a power of two
  // long.
  std::vector<uint32_t> table_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t chunkUsed_ = 0;
  size_t chunkSize_ = 0;
  uint64_t textBytes_ = 0;
  uint64_t postings_ = 0;
};

} // namespace vicinal
