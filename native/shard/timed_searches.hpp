// Searches that know how long they will take from how long those before them took
// (search/search_pace), and teach it.
#pragma once

#include <optional>
#include <variant>

#include "search/parked_search.hpp"
#include "search/sparse_search.hpp"
#include "shard/shard.hpp"

namespace vicinal {

// Not moved once it was run: the request points into it.
struct DenseSearch {
  SearchRequest request;
  SearchResult result;
  // What `rank` has found.
  std::vector<RankedHit> hits;

  double expectedNs(Shard& shard, const Snapshot& snapshot);
  Status run(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting);
  Status rank(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting);

  // Whether a run that is cancelled leaves what it has done for the next run, with the same
  // snapshot, to go on with.
  bool canPark(Shard& shard, const Snapshot& snapshot);
  void park() { request.parked = &parked_; }
  bool isParked() const { return parked_.isParked(); }

private:
  const DistanceEstimate& estimateOf(const Snapshot& snapshot);
  template <typename Work>
  Status timed(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting,
               const Work& work);

  std::optional<DistanceEstimate> estimate_;
  ParkedSearch parked_;
  // Of runs that were parked.
  double spentNs_ = 0;
};

// All that is asked of one is asked with the same snapshot.
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
  template <typename Work>
  Status timed(Shard& shard, const Snapshot& snapshot, Waiting waiting, const Work& work);

  // Expected; negative until they are estimated.
  double postings_ = -1;
};

using AnySearch = std::variant<DenseSearch, SparseSearch>;

} // namespace vicinal
