#include "search/example_walk.hpp"

namespace vicinal {

namespace {

// The most sums of a window: half a megabyte.
constexpr uint32_t kSums = 1 << 16;
constexpr uint32_t kLeastWindow = 16;
constexpr uint32_t kMostWindow = 4096;
// Cost of looking up an index in a run.
constexpr uint64_t kUnitsPerLookUp = 64;

} // namespace

ExampleWalk::ExampleWalk(const PostingRun& run, const SparseExamples& examples, WorkMeter& work)
    : work_(work), count_(examples.count),
      window_(std::clamp(kSums / std::max(1u, examples.count), kLeastWindow, kMostWindow)),
      sums_(size_t(window_) * count_), touched_(window_), distances_(count_) {
  for (uint32_t example = 0; example < count_; example++) {
    const SparseVector vector = examples.vector(example);
    for (uint32_t at = 0; at < vector.count; at++) {
      if (!work.spend(kUnitsPerLookUp)) return;
      const PostingRun::List list = run.find(vector.indices[at]);
      if (list.count == 0) continue;
      postings_ += list.count;
      terms_.push_back({example, vector.values[at], list});
    }
  }
}

bool ExampleWalk::nextRow(uint32_t& base, uint32_t end) const {
  uint32_t next = end;
  for (const Term& term : terms_)
    if (term.at < term.list.count) next = std::min(next, term.list.rows[term.at]);
  base = std::max(base, next);
  return base < end && next < end;
}

void ExampleWalk::sum(uint32_t base, uint32_t windowEnd) {
  for (Term& term : terms_) {
    const uint32_t from = term.at;
    const uint32_t* const rows = term.list.rows;
    for (; term.at < term.list.count && rows[term.at] < windowEnd; term.at++) {
      const uint32_t row = rows[term.at] - base;
      // Rows that do not ascend come from a forged file.
      if (row >= window_) continue;
      touched_[row] = true;
      sums_[size_t(row) * count_ + term.example] += double(term.weight) * term.list.values[term.at];
    }
    if (!work_.spend(1 + term.at - from)) return;
  }
}

} // namespace vicinal
