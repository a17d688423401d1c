#include "search/segment_search.hpp"

#include <algorithm>

#include "graph/hnsw_search.hpp"

namespace vicinal {

namespace {

// Distances computed between two looks at the cancel flag, and the scratch of a scan.
constexpr uint32_t kScanBlock = 1024;

Status cancelled() { return Status(Code::Cancelled, "the search was cancelled"); }

} // namespace

SegmentSearch::SegmentSearch(const SegmentView& view, const SearchRequest& request, size_t wanted,
                             const CancelFlag* cancel, SearchStats& stats)
    : view_(view), request_(request), space_(view.segment->space(request.vector)), wanted_(wanted), cancel_(cancel),
      stats_(stats), linked_(space_.linked()), vertices_(space_.vertices()) {}

Status SegmentSearch::scanRange(uint32_t from, uint32_t to, TopK& top) {
  thread_local std::vector<float> distances(kScanBlock);
  for (uint32_t first = from; first < to; first += kScanBlock) {
    if (isCancelled()) return cancelled();
    const uint32_t count = std::min(kScanBlock, to - first);
    space_.space().scan(request_.query.data(), first, count, distances.data());
    stats_.distances += count;
    for (uint32_t at = 0; at < count; at++) {
      if (distances[at] <= top.bound() && view_.isVisible(space_.rowOf(first + at)))
        top.offer({distances[at], first + at});
    }
  }
  return Status::ok();
}

template <typename Accept> Status SegmentSearch::searchGraph(const Accept& accept, std::vector<Neighbor>& found) {
  SearchOptions options;
  options.ef = static_cast<uint32_t>(std::max<size_t>(request_.ef, wanted_));
  options.cancel = cancel_;
  const SearchReport report = space_.graph().search(request_.query.data(), options, accept, found);
  stats_.distances += report.distances;
  stats_.visited += report.hops;
  return report.end == SearchEnd::Cancelled ? cancelled() : Status::ok();
}

Status SegmentSearch::searchLinked(std::vector<Neighbor>& found) {
  // With nothing deleted and nothing newer than the snapshot in the graph, every vertex of it may be an answer.
  const bool acceptsAll = view_.segment->deletedRows() == 0 && space_.isIdentity() && vertices_ <= view_.rows &&
                          linked_ == vertices_;
  if (acceptsAll) {
    VICINAL_TRY(searchGraph(AcceptAll{}, found));
    const bool isCurrent = std::all_of(found.begin(), found.end(), [&](const Neighbor& n) { return n.vertex < linked_; });
    // Vertices that were linked while the search ran are not the snapshot's, and may have crowded out others.
    if (isCurrent) return Status::ok();
  }
  return searchGraph(
      [&](uint32_t vertex) { return vertex < linked_ && view_.isVisible(space_.rowOf(vertex)); }, found);
}

Status SegmentSearch::run(std::vector<Neighbor>& nearest) {
  nearest.clear();
  const bool usesGraph = !request_.isExact && linked_ > 0;
  thread_local std::vector<Neighbor> found;
  found.clear();
  if (usesGraph) VICINAL_TRY(searchLinked(found));
  const uint32_t scanFrom = usesGraph ? linked_ : 0;
  const uint32_t scanTo = request_.isIndexedOnly && !request_.isExact ? scanFrom : vertices_;
  if (scanFrom >= scanTo) {
    nearest.assign(found.begin(), found.begin() + static_cast<ptrdiff_t>(std::min(found.size(), wanted_)));
    return Status::ok();
  }
  TopK top(wanted_);
  for (const Neighbor& neighbor : found) top.offer(neighbor);
  VICINAL_TRY(scanRange(scanFrom, scanTo, top));
  nearest = top.takeSorted();
  return Status::ok();
}

} // namespace vicinal
