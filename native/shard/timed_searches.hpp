// Searches that know how long they will take from how long those before them took
// (search/search_pace), and teach it.
#pragma once

#include <variant>

#include "search/sparse_search.hpp"
#include "shard/shard.hpp"

namespace vicinal {

struct DenseSearch {
  SearchRequest request;
  SearchResult result;
  // What `rank` has found.
  std::vector<RankedHit> hits;

  double expectedNs(Shard& shard, const Snapshot& snapshot);
  Status run(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting);
  Status rank(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting);

private:
  double distancesOf(const Snapshot& snapshot);
  template <typename Work> Status timed(Shard& shard, const Snapshot& snapshot, const Work& work);

  // Expected; negative until they are estimated.
  double distances_ = -1;
};

struct SparseSearch {
  SparseRequest request;
  SearchResult result;
  std::vector<RankedHit> hits;

  double expectedNs(Shard& shard, const Snapshot& snapshot);
  Status run(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting);
  Status rank(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting);

private:
  double postingsOf(const Snapshot& snapshot);
  // Among all vectors.
  uint32_t vectorOf(const Shard& shard) const {
    return request.vector + static_cast<uint32_t>(shard.spec().vectors.size());
  }
  template <typename Work> Status timed(Shard& shard, const Snapshot& snapshot, const Work& work);

  // Expected; negative until they are estimated.
  double postings_ = -1;
};

using AnySearch = std::variant<DenseSearch, SparseSearch>;

} // namespace vicinal
