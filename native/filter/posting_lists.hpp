// Texts with their posting lists. It only grows; its first part may be in a file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace vicinal {

// A posting list: rows in ascending order. The first row needs no allocation, because in many
// fields each value occurs in one row.
class PostingList {
public:
  // Rows come in ascending order; a row that was just added is not added again.
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

// The rows of a text: those in the file, then those added since.
class RowList {
public:
  using Part = std::span<const uint32_t>;

  RowList(Part filed, Part added) : filed_(filed), added_(added) {}

  uint32_t count() const { return static_cast<uint32_t>(filed_.size() + added_.size()); }
  // Visits rows in ascending order.
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

// Texts in ascending order with their rows, in memory of the caller.
struct FiledTexts {
  // Start of each text in `characters`, and of its rows in `rows`; each array has one more entry
  // than texts.
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
  // Takes over the file's part; rows added later must be greater.
  void adopt(const FiledTexts& filed);
  void add(std::string_view text, uint32_t row);
  // The rows of a text; empty if the text is unknown.
  RowList find(std::string_view text) const;
  // Calls `visit(text, rows)` for every text, in no order; twice if the text has rows in both
  // parts.
  template <typename Visit> void forEach(const Visit& visit) const {
    for (size_t at = 0; at < filed_.size(); at++)
      visit(filed_.text(at), RowList(filed_.rowsOf(at), {}));
    for (const Entry& entry : entries_)
      visit(entry.text(), RowList({}, {entry.rows.begin(), entry.rows.end()}));
  }
  // Number of rows over all texts.
  uint64_t postings() const { return postings_; }
  // Bytes in memory, without the file.
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
  // The slot of the text in the table, or the free slot where it belongs.
  size_t slotOf(std::string_view text, uint32_t hash) const;
  void growTable();
  const char* keep(std::string_view text);

  FiledTexts filed_;
  std::vector<Entry> entries_;
  // Open addressing: 0, or the position of an entry plus one. At most half full; the length is a
  // power of two.
  std::vector<uint32_t> table_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t chunkUsed_ = 0;
  size_t chunkSize_ = 0;
  uint64_t textBytes_ = 0;
  uint64_t postings_ = 0;
};

} // namespace vicinal
