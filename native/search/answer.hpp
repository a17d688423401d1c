// Reads the rows that a search has chosen as its answer.
#pragma once

#include <algorithm>

#include "search/search.hpp"

namespace vicinal {

// Keeps the requested page of the hits, which are sorted best first.
template <typename Hit> void keepPage(const RankedRequest& request, std::vector<Hit>& hits) {
  hits.resize(std::min<size_t>(hits.size(), size_t(request.offset) + request.limit));
  hits.erase(hits.begin(),
             hits.begin() + static_cast<ptrdiff_t>(std::min<size_t>(hits.size(), request.offset)));
}

// Reads the hits' rows and drops those that no longer match.
template <typename Hit, typename ScoreOf>
Status readAnswer(const Snapshot& snapshot, const std::vector<VectorSpec>& specs,
                  const FilterNode* filter, const RankedRequest& request, std::vector<Hit>& hits,
                  const ScoreOf& scoreOf, SearchResult& result, const CancelFlag* cancel,
                  Waiting waiting) {
  thread_local std::vector<RowRef> rows;
  rows.clear();
  for (const Hit& hit : hits) rows.push_back(hit.row);
  const auto drop = [&](size_t position) {
    hits.erase(hits.begin() + static_cast<ptrdiff_t>(position));
  };
  VICINAL_TRY(readMatching(snapshot, filter, rows, request.fields, specs, result.rows, drop, cancel,
                           waiting));
  if (!result.scores.resize(hits.size())) return Status::outOfMemory("collecting scores");
  for (size_t at = 0; at < hits.size(); at++) result.scores[at] = scoreOf(hits[at]);
  return Status::ok();
}

} // namespace vicinal
