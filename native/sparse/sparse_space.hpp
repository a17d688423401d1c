// The sparse vectors of one name in a segment: the vectors themselves by row, and an inverted index
// over them.
//
// Rows are appended and never changed. The index is a list of runs over consecutive rows, from the
// first row on; rows behind the last run (the tail) have none, and searches look at their vectors.
// When the tail has grown, `extend` makes a run of it, together with the last runs where those are
// not much larger, so that there are few and each row is indexed anew a few times at most. Dead
// rows stay in the runs until compaction moves the live ones elsewhere.
//
// Threads: one writer appends; `extend` is one other's at a time; readers look at published rows.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/memory_tally.hpp"
#include "sparse/posting_run.hpp"

namespace vicinal {

using PostingRuns = std::vector<std::shared_ptr<const PostingRun>>;

class SparseSpace {
public:
  // Where a file has it.
  struct Filed {
    uint64_t rows = 0;
    uint64_t offsetsAt = 0;
    uint64_t indicesAt = 0;
    uint64_t valuesAt = 0;
    uint64_t entries = 0;
    uint64_t postingsAt = 0;
    uint64_t postingBytes = 0;
  };

  Status reserve(const SparseSpec& spec, uint64_t rows, uint64_t entries);
  // Room for so many rows with so many components in all.
  Status grow(uint64_t rows, uint64_t entries);
  Status map(int descriptor, const Filed& filed);
  // Leaves to a file what it has byte for byte.
  Status leaveTo(int descriptor, const Filed& filed);
  void shedData();
  void shedIndex();

  const SparseSpec& spec() const { return spec_; }
  uint64_t entryCapacity() const { return indices_.capacity(); }
  // Row `row` is the one behind the last appended; it may lack the vector.
  void append(uint32_t row, const SparseVector& vector);

  SparseVector vector(uint32_t row) const {
    const uint64_t end = offsets_[uint64_t(row) + 1];
    if ((end & kPresent) == 0) return {};
    const uint64_t from = offsets_[row] & ~kPresent;
    return {indices_.data() + from, values_.data() + from,
            static_cast<uint32_t>((end & ~kPresent) - from)};
  }
  // Ahead of `vector`, and of reading what it gives.
  void prefetch(uint32_t row) const { __builtin_prefetch(&offsets_[row]); }
  void prefetchVector(uint32_t row) const {
    const uint64_t from = offsets_[row] & ~kPresent;
    __builtin_prefetch(indices_.data() + from);
    __builtin_prefetch(values_.data() + from);
  }
  bool has(uint32_t row) const { return (offsets_[uint64_t(row) + 1] & kPresent) != 0; }
  // Components of the first rows.
  uint64_t entriesOf(uint32_t rows) const { return rows == 0 ? 0 : offsets_[rows] & ~kPresent; }
  uint64_t bytesOf(uint32_t rows) const { return entriesOf(rows) * kSparseEntryBytes; }

  // ---- what is there, live

  // Rows [from, to), published now, some of which have the vector.
  void countPublished(uint32_t from, uint32_t to);
  // So many more rows are about to die: `noteDead` needs no memory for them then.
  void expectDead(size_t more);
  // The row, published, is dead.
  void noteDead(uint32_t row);
  uint64_t live() const { return live_.load(std::memory_order_relaxed); }
  // How many dead rows of the runs and the tail have each of the indices. False where counting
  // would take long and the caller cannot wait.
  bool countDead(const uint32_t* indices, size_t count, bool waits, uint32_t* dead) const;

  // ---- the index
  std::shared_ptr<const PostingRuns> runs() const;
  // Rows that have an index, of the first ones.
  static uint32_t indexedRows(const PostingRuns& runs) {
    return runs.empty() ? 0 : runs.back()->to();
  }
  // Whether the tail of the first `rows` rows is worth a run.
  bool isExtensionDue(uint32_t rows) const;
  Status extend(uint32_t rows);
  // A run over exactly the first rows: for a file.
  Result<std::shared_ptr<const PostingRun>> wholeRun(uint32_t rows) const;

  const RegionArray<uint64_t>& offsets() const { return offsets_; }
  const RegionArray<uint32_t>& indices() const { return indices_; }
  const RegionArray<float>& values() const { return values_; }
  void tally(const MemoryTally& tally, MemoryPart& vectors, MemoryPart& postings) const;

private:
  // Of an offset: the row that ends there has the vector.
  static constexpr uint64_t kPresent = uint64_t(1) << 63;

  void publish(PostingRuns runs);
  bool replaceBy(const std::shared_ptr<const PostingRun>& mapped);
  size_t deadCount() const;

  SparseSpec spec_;
  RegionArray<uint64_t> offsets_;
  RegionArray<uint32_t> indices_;
  RegionArray<float> values_;
  std::atomic<uint64_t> live_{0};
  uint64_t filedRows_ = 0;
  // The run over the first rows that a file has: it is not built anew in memory.
  std::atomic<uint32_t> filedRun_{0};

  mutable std::mutex runsMutex_;
  std::shared_ptr<const PostingRuns> runs_ = std::make_shared<PostingRuns>();

  // Rows that died. Writers wait for those who read them, so that is done in short steps.
  mutable std::mutex deadMutex_;
  std::vector<uint32_t> deadRows_;
  // Those below `counted_` are in the counts. Counting is put off until someone asks.
  mutable std::mutex countsMutex_;
  mutable size_t counted_ = 0;
  mutable std::unordered_map<uint32_t, uint32_t> deadOfIndex_;
};

} // namespace vicinal
