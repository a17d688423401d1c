// An inverted index over consecutive rows. For each index of their sparse vectors it has a posting
// list: the rows, ascending, with their values. A run never changes once it is built.
//
// Postings are grouped in blocks of `kPostingBlock`. A block records its last row and its least and
// greatest value, so that searches skip blocks that cannot contribute enough.
//
// A run is one array of 32-bit words, the same in memory and in a segment file
// (docs/data-format.md). It holds the header, the terms, and the first posting and first block of
// each term (plus an end entry). Then come last row, greatest and least value of each block, then
// rows and values of the postings.
#pragma once

#include <memory>
#include <vector>

#include "base/memory_tally.hpp"
#include "base/region.hpp"
#include "sparse/sparse_vector.hpp"

namespace vicinal {

constexpr uint32_t kPostingBlock = 128;

class PostingRun {
public:
  // The postings of one index.
  struct List {
    const uint32_t* rows = nullptr;
    const float* values = nullptr;
    uint32_t count = 0;
    const uint32_t* lastRows = nullptr;
    const float* greatest = nullptr;
    const float* least = nullptr;
    uint32_t blocks = 0;
  };

  // Builds a run over rows [from, to); `vectorOf(row)` returns their vectors.
  template <typename VectorOf>
  static Result<std::shared_ptr<const PostingRun>> build(uint32_t from, uint32_t to,
                                                         const VectorOf& vectorOf);
  // Maps a run from a file. CORRUPT if the bytes are not a run.
  static Result<std::shared_ptr<const PostingRun>> map(int descriptor, uint64_t offset,
                                                       uint64_t bytes, Placement placement);

  uint32_t from() const { return header()[1]; }
  uint32_t to() const { return header()[2]; }
  uint32_t postings() const { return header()[4]; }
  List find(uint32_t index) const;
  // Like `find`, for several indices at once. Memory for all of them is prefetched together,
  // including about `ahead` first postings in total.
  void findAll(const uint32_t* indices, size_t count, size_t ahead, List* lists) const;

  const void* data() const { return words_.data(); }
  uint64_t bytes() const { return words_.bytes(); }
  void shed() const { const_cast<RegionArray<uint32_t>&>(words_).shed(); }
  void tally(const MemoryTally& tally, MemoryPart& part) const { tally.add(part, words_); }

private:
  friend class PostingBuilder;

  static constexpr uint32_t kMagic = 0x31505356; // "VSP1"
  static constexpr uint32_t kHeaderWords = 8;

  PostingRun() = default;
  static uint64_t wordsOf(uint64_t terms, uint64_t postings, uint64_t blocks) {
    return kHeaderWords + terms + 2 * (terms + 1) + 3 * blocks + 2 * postings;
  }
  const uint32_t* header() const { return words_.data(); }
  void lay();
  bool isSound() const;
  // The likely position of the index among all terms.
  uint32_t guess(uint32_t index) const;
  // The first term that is not less than the index; null if none can equal it.
  const uint32_t* seek(uint32_t index) const;
  List listAt(size_t term) const;

  RegionArray<uint32_t> words_;
  // Pointers into `words_`.
  uint32_t* terms_ = nullptr;
  uint32_t* firstPostings_ = nullptr;
  uint32_t* firstBlocks_ = nullptr;
  uint32_t* lastRows_ = nullptr;
  float* greatest_ = nullptr;
  float* least_ = nullptr;
  uint32_t* rows_ = nullptr;
  float* values_ = nullptr;
};

// Builds a run in two passes over the vectors in ascending row order: `count` for all, `place`,
// then `add` for all.
class PostingBuilder {
public:
  void count(const SparseVector& vector);
  Status place(uint32_t from, uint32_t to);
  void add(uint32_t row, const SparseVector& vector);
  std::shared_ptr<const PostingRun> finish();

private:
  static constexpr size_t kFirstSlots = 1024;
  struct Slot {
    uint32_t term = 0;
    // First a count, later the position of the next posting plus one; 0 means a free slot.
    uint32_t value = 0;
  };
  Slot& slotOf(uint32_t term);
  void grow();

  std::vector<Slot> slots_ = std::vector<Slot>(kFirstSlots);
  size_t terms_ = 0;
  uint64_t postings_ = 0;
  std::shared_ptr<PostingRun> run_;
};

template <typename VectorOf>
Result<std::shared_ptr<const PostingRun>> PostingRun::build(uint32_t from, uint32_t to,
                                                            const VectorOf& vectorOf) {
  PostingBuilder builder;
  for (uint32_t row = from; row < to; row++) builder.count(vectorOf(row));
  if (Status status = builder.place(from, to); !status) return status;
  for (uint32_t row = from; row < to; row++) builder.add(row, vectorOf(row));
  return builder.finish();
}

} // namespace vicinal
