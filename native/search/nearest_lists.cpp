#include "search/nearest_lists.hpp"

#include "search/search.hpp"

namespace vicinal {

Status nearestLists(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                    const NearestListsRequest& request, const CancelFlag* cancel,
                    NearestLists& lists) {
  const size_t dim = specs[request.vector].dim;
  const size_t count = request.queries.size() / dim;
  const size_t places = count * request.limit;
  if (!lists.ids.resizeZeroed(places * kIdWords) || !lists.scores.resizeZeroed(places) ||
      !lists.counts.resizeZeroed(count))
    return Status(Code::ResourceExhausted, "out of memory while nearest rows are listed");
  SearchRequest search;
  search.vector = request.vector;
  search.limit = request.limit;
  search.recall = request.recall;
  search.filter = request.filter;
  SearchResult result;
  std::vector<RankedHit> hits;
  for (size_t query = 0; query < count; query++) {
    if (cancel != nullptr && cancel->isCancelled())
      return Status(Code::Cancelled, "the operation was cancelled");
    const float* from = request.queries.data() + query * dim;
    search.query.assign(from, from + dim);
    VICINAL_TRY(rank(snapshot, specs, search, cancel, result, hits));
    lists.counts[query] = uint32_t(hits.size());
    for (size_t place = 0; place < hits.size(); place++) {
      const size_t at = query * request.limit + place;
      encodePointId(hits[place].id, &lists.ids[at * kIdWords]);
      lists.scores[at] = hits[place].score;
    }
  }
  return Status::ok();
}

} // namespace vicinal
