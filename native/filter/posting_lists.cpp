#include "filter/posting_lists.hpp"

#include <algorithm>
#include <functional>

namespace vicinal {

namespace {

constexpr size_t kFirstTable = 64;
// Texts are stored end to end in chunks; a longer text has a chunk of its own.
constexpr size_t kChunkBytes = 64 * 1024;

} // namespace

void PostingList::push(uint32_t row) {
  if (count_ > 0 && begin()[count_ - 1] == row) return;
  if (count_ == 0) {
    first_ = row;
  } else {
    if (count_ >= capacity_) {
      const uint32_t capacity = std::max(4u, capacity_ * 2);
      auto grown = std::make_unique_for_overwrite<uint32_t[]>(capacity);
      std::copy(begin(), end(), grown.get());
      many_ = std::move(grown);
      capacity_ = capacity;
    }
    many_[count_] = row;
  }
  count_++;
}

uint32_t TextPostings::hashOf(std::string_view text) {
  const uint64_t hash = std::hash<std::string_view>()(text);
  return static_cast<uint32_t>(hash ^ (hash >> 32));
}

size_t TextPostings::slotOf(std::string_view text, uint32_t hash) const {
  const size_t mask = table_.size() - 1;
  for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    if (table_[slot] == 0) return slot;
    const Entry& entry = entries_[table_[slot] - 1];
    if (entry.hash == hash && entry.text() == text) return slot;
  }
}

RowList::Part FiledTexts::find(std::string_view wanted) const {
  size_t from = 0, to = size();
  while (from < to) {
    const size_t middle = from + (to - from) / 2;
    if (text(middle) < wanted)
      from = middle + 1;
    else
      to = middle;
  }
  return from < size() && text(from) == wanted ? rowsOf(from) : RowList::Part{};
}

void TextPostings::adopt(const FiledTexts& filed) {
  filed_ = filed;
  postings_ = filed.rows.size();
}

RowList TextPostings::find(std::string_view text) const {
  const RowList::Part filed = filed_.find(text);
  if (table_.empty()) return {filed, {}};
  const size_t slot = slotOf(text, hashOf(text));
  if (table_[slot] == 0) return {filed, {}};
  const PostingList& added = entries_[table_[slot] - 1].rows;
  return {filed, {added.begin(), added.end()}};
}

void TextPostings::add(std::string_view text, uint32_t row) {
  if (entries_.size() * 2 >= table_.size()) growTable();
  const uint32_t hash = hashOf(text);
  const size_t slot = slotOf(text, hash);
  if (table_[slot] == 0) {
    Entry entry;
    entry.characters = keep(text);
    entry.length = static_cast<uint32_t>(text.size());
    entry.hash = hash;
    entries_.push_back(std::move(entry));
    table_[slot] = static_cast<uint32_t>(entries_.size());
  }
  PostingList& rows = entries_[table_[slot] - 1].rows;
  const uint32_t before = rows.count();
  rows.push(row);
  postings_ += rows.count() - before;
}

void TextPostings::growTable() {
  table_.assign(std::max(kFirstTable, table_.size() * 2), 0);
  const size_t mask = table_.size() - 1;
  for (size_t at = 0; at < entries_.size(); at++) {
    size_t slot = entries_[at].hash & mask;
    while (table_[slot] != 0) slot = (slot + 1) & mask;
    table_[slot] = static_cast<uint32_t>(at + 1);
  }
}

const char* TextPostings::keep(std::string_view text) {
  if (chunks_.empty() || chunkSize_ - chunkUsed_ < text.size()) {
    chunkSize_ = std::max(kChunkBytes, text.size());
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunkSize_));
    chunkUsed_ = 0;
    textBytes_ += chunkSize_;
  }
  char* at = chunks_.back().get() + chunkUsed_;
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  chunkUsed_ += text.size();
  return at;
}

uint64_t TextPostings::bytes() const {
  uint64_t bytes =
      textBytes_ + entries_.capacity() * sizeof(Entry) + table_.capacity() * sizeof(uint32_t);
  for (const Entry& entry : entries_) bytes += entry.rows.bytes();
  return bytes;
}

} // namespace vicinal
