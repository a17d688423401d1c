// Searches that predict their time from earlier ones (search/search_pace) and record their own.
#pragma once

#include <optional>
#include <variant>

#include "search/parked_search.hpp"
#include "search/sparse_search.hpp"
#include "shard/shard.hpp"

namespace vicinal {

// Must not be moved after a run, because the request points into it.
struct DenseSearch {
  SearchRequest request;
  SearchResult result;
  // The result of `rank`.
  std::vector<RankedHit> hits;

  double expectedNs(Shard& shard, const Snapshot& snapshot);
  Status run(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting);
  Status rank(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting);

  // Whether a cancelled run leaves its state for the next run, which must use the same snapshot.
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
  // Time of the runs that were parked.
  double spentNs_ = 0;
};

// Use all methods of one object with the same snapshot.
struct SparseSearch {
  SparseRequest request;
  SearchResult result;
  std::vector<RankedHit> hits;

  double expectedNs(Shard& shard, const Snapshot& snapshot);
  Status run(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting);
  Status rank(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting);

private:
  double postingsOf(const Snapshot& snapshot);
  // Number of the vector among all vectors.
  uint32_t vectorOf(const Shard& shard) const {
    return request.vector + static_cast<uint32_t>(shard.spec().vectors.size());
  }
  template <typename Work>
  Status timed(Shard& shard, const Snapshot& snapshot, Waiting waiting, const Work& work);

  // Expected postings; negative until estimated.
  double postings_ = -1;
};

using AnySearch = std::variant<DenseSearch, SparseSearch>;

} // namespace vicinal
