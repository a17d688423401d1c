// Searches of one snapshot whose rankings become one: nothing is read of a row but of those on the
// page asked for.
#pragma once

#include <vector>

#include "search/fusion.hpp"
#include "shard/timed_searches.hpp"

namespace vicinal {

// All that is asked of one is asked with the same snapshot.
struct FusedSearch {
  std::vector<AnySearch> parts;
  FusionRequest request;
  SearchResult result;

  // Infinite where vectors are to be read, which may have to come from their file.
  double expectedNs(Shard& shard, const Snapshot& snapshot);
  // Whether to wake another thread for it would take longer than it takes.
  bool isShort(Shard& shard, const Snapshot& snapshot);
  // One part after the other.
  Status run(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel, Waiting waiting);

  Status rankPart(size_t at, Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel,
                  Waiting waiting);
  // Once all parts are ranked.
  Status fuseParts(Shard& shard, const Snapshot& snapshot, const CancelFlag* cancel,
                   Waiting waiting);

private:
  double rankingNs(Shard& shard, const Snapshot& snapshot);
};

} // namespace vicinal
