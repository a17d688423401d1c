// The sparse vectors of one name in a segment: the vectors by row, and an inverted index over them.
//
// Rows are appended and never changed. The index is a list of runs over consecutive rows, starting
// with the first row. Rows behind the last run (the tail) have no index; searches scan their
// vectors. When the tail has grown, `extend` makes a run of it and merges the last runs that are
// not much larger. So there are few runs, and a row is indexed again only a few times. Dead rows
// stay in the runs until compaction moves the live rows elsewhere.
//
// Threads: one writer appends, one thread at a time extends, readers see published rows only.
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
  // Positions of the parts in a file.
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
  // Makes room for `rows` rows with `entries` components in total.
  Status grow(uint64_t rows, uint64_t entries);
  Status map(int descriptor, const Filed& filed);
  // Maps the arrays from a file that holds the same bytes.
  Status leaveTo(int descriptor, const Filed& filed);
  void shedData();
  void shedIndex();

  const SparseSpec& spec() const { return spec_; }
  uint64_t entryCapacity() const { return indices_.capacity(); }
  // `row` must be the one behind the last appended row; it may lack the vector.
  void append(uint32_t row, const SparseVector& vector);

  SparseVector vector(uint32_t row) const {
    const uint64_t end = offsets_[uint64_t(row) + 1];
    if ((end & kPresent) == 0) return {};
    const uint64_t from = offsets_[row] & ~kPresent;
    return {indices_.data() + from, values_.data() + from,
            static_cast<uint32_t>((end & ~kPresent) - from)};
  }
  // Prefetches for `vector`, and for reading its result.
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

  // ---- the live vectors

  // Counts the vectors of rows [from, to), which have just been published.
  void countPublished(uint32_t from, uint32_t to);
  // Reserves memory, so that `noteDead` needs none for the next `more` rows.
  void expectDead(size_t more);
  // Marks a published row as dead.
  void noteDead(uint32_t row);
  uint64_t live() const { return live_.load(std::memory_order_relaxed); }
  // For each index, counts the dead rows that have it. False if counting would take long and the
  // caller cannot wait (`waits`).
  bool countDead(const uint32_t* indices, size_t count, bool waits, uint32_t* dead) const;

  // ---- the index
  std::shared_ptr<const PostingRuns> runs() const;
  // The number of first rows that have an index.
  static uint32_t indexedRows(const PostingRuns& runs) {
    return runs.empty() ? 0 : runs.back()->to();
  }
  // Whether the tail of the first `rows` rows is long enough for a run.
  bool isExtensionDue(uint32_t rows) const;
  Status extend(uint32_t rows);
  // A run over exactly the first rows, for writing to a file.
  Result<std::shared_ptr<const PostingRun>> wholeRun(uint32_t rows) const;

  const RegionArray<uint64_t>& offsets() const { return offsets_; }
  const RegionArray<uint32_t>& indices() const { return indices_; }
  const RegionArray<float>& values() const { return values_; }
  void tally(const MemoryTally& tally, MemoryPart& vectors, MemoryPart& postings) const;

private:
  // Flag of an offset: the row that ends there has the vector.
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
  // End of the run that a file backs; that run is never rebuilt in memory.
  std::atomic<uint32_t> filedRun_{0};

  mutable std::mutex runsMutex_;
  std::shared_ptr<const PostingRuns> runs_ = std::make_shared<PostingRuns>();

  // Dead rows. Readers hold this lock only for short steps, because the writer waits for them.
  mutable std::mutex deadMutex_;
  std::vector<uint32_t> deadRows_;
  // The counts include the first `counted_` dead rows. Counting is deferred until needed.
  mutable std::mutex countsMutex_;
  mutable size_t counted_ = 0;
  mutable std::unordered_map<uint32_t, uint32_t> deadOfIndex_;
};

} // namespace vicinal
