#include "search/sparse_rarity.hpp"

#include <algorithm>
#include <cmath>

#include "search/matching_rows.hpp"
#include "search/segment_scope.hpp"

namespace vicinal {

namespace {

constexpr uint32_t kVectorsBetweenChecks = 512;
// Reading a row's vector costs about as much as reading this many postings.
constexpr double kLookedAtVector = 16;

// The posting lists in one segment, found before or looked up as needed.
class Lists {
public:
  Lists(const SparseSpace& space, const std::vector<uint32_t>& indices, const FoundPostings* found)
      : indices_(indices), found_(found), runs_(found != nullptr ? found->runs : space.runs()) {}

  const PostingRuns& runs() const { return *runs_; }
  PostingRun::List at(size_t run, size_t index) const {
    return found_ != nullptr ? found_->of(run)[index] : (*runs_)[run]->find(indices_[index]);
  }

private:
  const std::vector<uint32_t>& indices_;
  const FoundPostings* const found_;
  const std::shared_ptr<const PostingRuns> runs_;
};

struct HavingCounts {
  double vectors = 0;
  // Number of vectors that have each index.
  std::vector<double> having;
};

// Counts the indices that the vector has.
void countVector(const SparseVector& vector, const std::vector<uint32_t>& indices,
                 HavingCounts& counts) {
  uint32_t from = 0;
  for (size_t i = 0; i < indices.size() && from < vector.count; i++) {
    while (from < vector.count && vector.indices[from] < indices[i]) from++;
    if (from < vector.count && vector.indices[from] == indices[i]) counts.having[i]++;
  }
}

// Posting lists include dead rows, which are subtracted.
Status countAll(const SegmentScope& scope, const SparseSpace& space,
                const std::vector<uint32_t>& indices, const Lists& lists, HavingCounts& counts) {
  for (size_t run = 0; run < lists.runs().size(); run++)
    for (size_t i = 0; i < indices.size(); i++) counts.having[i] += lists.at(run, i).count;
  for (uint32_t row = SparseSpace::indexedRows(lists.runs()); row < scope.view.rows; row++) {
    if (row % kVectorsBetweenChecks == 0) VICINAL_TRY(scope.checkCancelled());
    countVector(space.vector(row), indices, counts);
  }
  counts.vectors += double(space.live());
  if (scope.segment.deletedRows() == 0) return Status::ok();
  std::vector<uint32_t> dead(indices.size());
  const bool waits = scope.waiting == Waiting::Allowed;
  if (!space.countDead(indices.data(), indices.size(), waits, dead.data()))
    return Status(Code::Cancelled, "dead rows are yet to be counted");
  for (size_t i = 0; i < indices.size(); i++) counts.having[i] -= dead[i];
  return Status::ok();
}

// Reads the vectors of few matches; for many, the postings that belong to matches.
Status countMatches(const SegmentScope& scope, const SparseSpace& space,
                    const std::vector<uint32_t>& indices, const Lists& lists,
                    HavingCounts& counts) {
  FilterPlan plan = scope.planned();
  plan.prepareForPasses();
  RowBitmap corpus(scope.view.rows);
  VICINAL_TRY(forEachPlanned(scope.view, scope.rows, plan, [&](uint32_t row, const auto& passes) {
    if (space.has(row) && passes()) corpus.add(row);
  }));
  const double vectors = corpus.count();
  counts.vectors += vectors;
  double postings = 0;
  for (size_t run = 0; run < lists.runs().size(); run++)
    for (size_t i = 0; i < indices.size(); i++) postings += lists.at(run, i).count;
  const bool isByPostings = postings < vectors * kLookedAtVector;
  const uint32_t from = isByPostings ? SparseSpace::indexedRows(lists.runs()) : 0;
  uint32_t looked = 0;
  Status status = Status::ok();
  corpus.forEach([&](uint32_t row) {
    if (!status || row < from) return;
    if (looked++ % kVectorsBetweenChecks == 0) status = scope.checkCancelled();
    countVector(space.vector(row), indices, counts);
  });
  if (!status || !isByPostings) return status;
  corpus.makeDense();
  for (size_t run = 0; run < lists.runs().size(); run++)
    for (size_t i = 0; i < indices.size(); i++) {
      VICINAL_TRY(scope.checkCancelled());
      const PostingRun::List list = lists.at(run, i);
      for (uint32_t at = 0; at < list.count; at++)
        if (list.rows[at] < scope.view.rows && corpus.contains(list.rows[at])) counts.having[i]++;
    }
  return scope.rows.work().status();
}

} // namespace

Status raritiesOf(const Snapshot& snapshot, uint32_t vector, const FilterNode* corpus,
                  const std::vector<uint32_t>& indices, const std::vector<FoundPostings>& found,
                  const CancelFlag* cancel, Waiting waiting, std::vector<float>& rarities) {
  HavingCounts counts;
  counts.having.assign(indices.size(), 0);
  for (size_t at = 0; at < snapshot.count(); at++) {
    const SegmentScope scope(snapshot, at, corpus, cancel, waiting);
    const SparseSpace& space = scope.segment.sparse(vector);
    const Lists lists(space, indices, found.empty() ? nullptr : &found[at]);
    VICINAL_TRY(corpus == nullptr ? countAll(scope, space, indices, lists, counts)
                                  : countMatches(scope, space, indices, lists, counts));
  }
  rarities.resize(indices.size());
  for (size_t i = 0; i < indices.size(); i++) {
    const double df = std::clamp(counts.having[i], 0.0, counts.vectors);
    rarities[i] = static_cast<float>(std::log(1 + (counts.vectors - df + 0.5) / (df + 0.5)));
  }
  return Status::ok();
}

} // namespace vicinal
