#include "search/sample.hpp"

#include <cmath>
#include <random>
#include <vector>

#include "search/match_sample.hpp"
#include "search/matching_rows.hpp"

namespace vicinal {

// Reservoir sampling: the n-th match takes a place with probability limit / n.
Status sample(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
              const SampleRequest& request, const CancelFlag* cancel, RowBlock& block) {
  std::optional<FilterProgram> program;
  VICINAL_TRY(decodeFilter(request.filter, snapshot.vectorsNamed(), snapshot, cancel, program));
  const FilterNode* filter = program ? &program->root() : nullptr;
  std::mt19937_64 random(request.seed);
  std::vector<RowRef> chosen;
  uint64_t seen = 0;
  const auto visit = [&](Segment& segment, uint32_t row, const auto& passes) {
    // Later rows are rarely kept. But every row must be checked for a match, because matches are
    // counted.
    const uint64_t seq = segment.seq(row);
    if (request.limit == 0 || seq <= request.afterSeq || seq > request.throughSeq || !passes())
      return;
    seen++;
    if (chosen.size() < request.limit) {
      chosen.push_back({&segment, row});
      return;
    }
    const uint64_t place = random() % seen;
    if (place < chosen.size()) chosen[place] = {&segment, row};
  };
  VICINAL_TRY(forEachRow(snapshot, filter, cancel, visit));
  std::shuffle(chosen.begin(), chosen.end(), random);
  return readMatching(
      snapshot, filter, chosen, request.fields, specs, block, [](size_t) {}, cancel);
}

Result<uint64_t> estimateCount(const Snapshot& snapshot, size_t vectors, const FilterBytes& filter,
                               const CancelFlag* cancel) {
  std::optional<FilterProgram> program;
  if (Status status = decodeFilter(filter, vectors, snapshot, cancel, program); !status)
    return status;
  double estimate = 0;
  for (size_t at = 0; at < snapshot.count(); at++) {
    const SegmentView view(snapshot, at);
    const SegmentRows rows(view, snapshot, cancel);
    const double live = view.rows == 0 ? 0 : double(view.segment->liveRows()) / view.rows;
    if (!program) {
      estimate += view.rows * live;
      continue;
    }
    const auto indexes = view.segment->indexes();
    const FilterPlan plan = planFilter(program->root(), rows, *indexes);
    const double share = sampledMatches(plan, rows);
    if (Status status = rows.work().status(); !status) return status;
    estimate += plan.candidateCount() * share * std::min(1.0, live);
  }
  return static_cast<uint64_t>(std::llround(estimate));
}

} // namespace vicinal
