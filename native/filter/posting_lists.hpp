// Texts, and for each the rows that have it. Grows only.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
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

class TextPostings {
public:
  void add(std::string_view text, uint32_t row);
  // The rows of a text, or null.
  const PostingList* find(std::string_view text) const;
  // `visit(text, rows)` for every text, in no order.
  template <typename Visit> void forEach(const Visit& visit) const {
    for (const Entry& entry : entries_) visit(entry.text(), entry.rows);
  }
  // Over all texts.
  uint64_t postings() const { return postings_; }
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
