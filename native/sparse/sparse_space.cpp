#include "sparse/sparse_space.hpp"

#include <algorithm>

namespace vicinal {

namespace {

// A tail of this many rows or components becomes a run; searches scan a shorter tail within
// microseconds.
constexpr uint32_t kTailRows = 256;
constexpr uint64_t kTailEntries = 8 * 1024;
// A new run is merged with the previous one if that has at most this many times as many components.
constexpr uint64_t kMergedShare = 2;
// The most dead rows that a caller counts when it must not wait.
constexpr size_t kCountedAtOnce = 512;

} // namespace

Status SparseSpace::reserve(const SparseSpec& spec, uint64_t rows, uint64_t entries) {
  spec_ = spec;
  // Positions of postings have 32 bits.
  const uint64_t most = std::min<uint64_t>(entries, UINT32_MAX - 1);
  auto offsets = RegionArray<uint64_t>::reserve(rows + 1);
  if (!offsets) return offsets.status();
  auto indices = RegionArray<uint32_t>::reserve(most);
  if (!indices) return indices.status();
  auto values = RegionArray<float>::reserve(most);
  if (!values) return values.status();
  offsets_ = offsets.take();
  indices_ = indices.take();
  values_ = values.take();
  offsets_.place(spec.memory);
  indices_.place(spec.memory);
  values_.place(spec.memory);
  return Status::ok();
}

Status SparseSpace::grow(uint64_t rows, uint64_t entries) {
  VICINAL_TRY(offsets_.grow(rows + 1));
  VICINAL_TRY(indices_.grow(entries));
  return values_.grow(entries);
}

Status SparseSpace::map(int descriptor, const Filed& filed) {
  VICINAL_TRY(offsets_.mapFile(descriptor, filed.offsetsAt, filed.rows + 1));
  const auto rows = static_cast<uint32_t>(filed.rows);
  if (offsets_[0] != 0)
    return Status(Code::Corrupt, "the offsets of sparse vectors do not start at 0");
  if (entriesOf(rows) != filed.entries)
    return Status(Code::Corrupt, "the sparse vectors and their offsets do not agree");
  for (uint32_t row = 0; row < rows; row++)
    if (entriesOf(row) > entriesOf(row + 1))
      return Status(Code::Corrupt, "the offsets of sparse vectors do not ascend");
  if (filed.entries > 0) {
    VICINAL_TRY(indices_.mapFile(descriptor, filed.indicesAt, filed.entries));
    VICINAL_TRY(values_.mapFile(descriptor, filed.valuesAt, filed.entries));
  }
  auto run = PostingRun::map(descriptor, filed.postingsAt, filed.postingBytes, spec_.memory);
  if (!run) return run.status();
  if ((*run)->from() != 0 || (*run)->to() != rows)
    return Status(Code::Corrupt, "the postings of a sparse vector belong to other rows");
  publish({run.take()});
  filedRun_.store(rows);
  countPublished(0, rows);
  return Status::ok();
}

Status SparseSpace::leaveTo(int descriptor, const Filed& filed) {
  if (filedRows_ == filed.rows) return Status::ok();
  VICINAL_TRY(offsets_.replaceByFile(descriptor, filed.offsetsAt, filed.rows + 1));
  VICINAL_TRY(indices_.replaceByFile(descriptor, filed.indicesAt, filed.entries));
  VICINAL_TRY(values_.replaceByFile(descriptor, filed.valuesAt, filed.entries));
  // The file's run replaces the runs over its rows; runs over later rows stay.
  auto run = PostingRun::map(descriptor, filed.postingsAt, filed.postingBytes, spec_.memory);
  if (!run) return run.status();
  const std::shared_ptr<const PostingRun> mapped = run.take();
  while (!replaceBy(mapped)) {
  }
  filedRows_ = filed.rows;
  return Status::ok();
}

// False if the index was extended meanwhile.
bool SparseSpace::replaceBy(const std::shared_ptr<const PostingRun>& mapped) {
  const auto before = runs();
  PostingRuns after{mapped};
  for (const auto& each : *before) {
    if (each->to() <= mapped->to()) continue;
    if (each->from() >= mapped->to()) {
      after.push_back(each);
      continue;
    }
    auto rest =
        PostingRun::build(mapped->to(), each->to(), [&](uint32_t row) { return vector(row); });
    // Without memory for a run, searches scan these rows until they are indexed again.
    if (!rest) break;
    after.push_back(rest.take());
  }
  std::lock_guard lock(runsMutex_);
  if (runs_ != before) return false;
  runs_ = std::make_shared<const PostingRuns>(std::move(after));
  filedRun_.store(mapped->to());
  return true;
}

void SparseSpace::shedData() {
  indices_.shed();
  values_.shed();
}

void SparseSpace::shedIndex() {
  offsets_.shed();
  for (const auto now = runs(); const auto& run : *now) run->shed();
}

void SparseSpace::append(uint32_t row, const SparseVector& vector) {
  const uint64_t from = offsets_[row] & ~kPresent;
  if (vector.count > 0) {
    __builtin_memcpy(indices_.data() + from, vector.indices, vector.count * sizeof(uint32_t));
    __builtin_memcpy(values_.data() + from, vector.values, vector.count * sizeof(float));
  }
  offsets_[uint64_t(row) + 1] = (from + vector.count) | (vector.isPresent() ? kPresent : 0);
}

void SparseSpace::countPublished(uint32_t from, uint32_t to) {
  uint64_t present = 0;
  for (uint32_t row = from; row < to; row++) present += has(row) ? 1 : 0;
  live_.fetch_add(present, std::memory_order_relaxed);
}

void SparseSpace::expectDead(size_t more) {
  std::lock_guard lock(deadMutex_);
  const size_t wanted = deadRows_.size() + more;
  if (wanted > deadRows_.capacity()) deadRows_.reserve(std::max(wanted, 2 * deadRows_.capacity()));
}

void SparseSpace::noteDead(uint32_t row) {
  if (!has(row)) return;
  live_.fetch_sub(1, std::memory_order_relaxed);
  std::lock_guard lock(deadMutex_);
  deadRows_.push_back(row);
}

size_t SparseSpace::deadCount() const {
  std::lock_guard lock(deadMutex_);
  return deadRows_.size();
}

bool SparseSpace::countDead(const uint32_t* indices, size_t count, bool waits,
                            uint32_t* dead) const {
  std::unique_lock lock(countsMutex_, std::defer_lock);
  if (waits)
    lock.lock();
  else if (!lock.try_lock())
    return false;
  const size_t died = deadCount();
  if (!waits && died - counted_ > kCountedAtOnce) return false;
  uint32_t rows[kCountedAtOnce];
  while (counted_ < died) {
    const size_t some = std::min(kCountedAtOnce, died - counted_);
    {
      std::lock_guard reading(deadMutex_);
      std::copy_n(deadRows_.begin() + ptrdiff_t(counted_), some, rows);
    }
    for (size_t i = 0; i < some; i++) {
      const SparseVector gone = vector(rows[i]);
      for (uint32_t at = 0; at < gone.count; at++) deadOfIndex_[gone.indices[at]]++;
    }
    counted_ += some;
  }
  for (size_t at = 0; at < count; at++) {
    const auto known = deadOfIndex_.find(indices[at]);
    dead[at] = known == deadOfIndex_.end() ? 0 : known->second;
  }
  return true;
}

std::shared_ptr<const PostingRuns> SparseSpace::runs() const {
  std::lock_guard lock(runsMutex_);
  return runs_;
}

void SparseSpace::publish(PostingRuns runs) {
  auto next = std::make_shared<const PostingRuns>(std::move(runs));
  std::lock_guard lock(runsMutex_);
  runs_ = std::move(next);
}

bool SparseSpace::isExtensionDue(uint32_t rows) const {
  const uint32_t indexed = indexedRows(*runs());
  if (rows <= indexed) return false;
  return rows - indexed >= kTailRows || entriesOf(rows) - entriesOf(indexed) >= kTailEntries;
}

Status SparseSpace::extend(uint32_t rows) {
  const auto before = runs();
  PostingRuns kept = *before;
  uint32_t from = indexedRows(kept);
  while (!kept.empty() && kept.back()->to() > filedRun_.load() &&
         kept.back()->postings() <= kMergedShare * (entriesOf(rows) - entriesOf(from))) {
    from = kept.back()->from();
    kept.pop_back();
  }
  auto run = PostingRun::build(from, rows, [&](uint32_t row) { return vector(row); });
  if (!run) return run.status();
  kept.push_back(run.take());
  std::lock_guard lock(runsMutex_);
  // Only `leaveTo` can have changed the runs meanwhile. The next extension starts from its result.
  if (runs_ == before) runs_ = std::make_shared<const PostingRuns>(std::move(kept));
  return Status::ok();
}

Result<std::shared_ptr<const PostingRun>> SparseSpace::wholeRun(uint32_t rows) const {
  if (const auto now = runs(); now->size() == 1 && now->front()->to() == rows) return now->front();
  return PostingRun::build(0, rows, [&](uint32_t row) { return vector(row); });
}

void SparseSpace::tally(const MemoryTally& tally, MemoryPart& vectors, MemoryPart& postings) const {
  tally.add(vectors, offsets_);
  tally.add(vectors, indices_);
  tally.add(vectors, values_);
  for (const auto now = runs(); const auto& run : *now) run->tally(tally, postings);
  std::lock_guard lock(countsMutex_);
  // A map entry with its share of the table and the allocator's rounding.
  MemoryTally::addHeap(postings, deadCount() * sizeof(uint32_t) + deadOfIndex_.size() * 48);
}

} // namespace vicinal
