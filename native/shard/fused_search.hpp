// Several searches of one snapshot whose rankings are fused. Rows are read only for the requested
// page.
#pragma once

#include <vector>

#include "search/fusion.hpp"
#include "shard/timed_searches.hpp"

namespace vicinal {

// Use all methods of one object with the same snapshot.
struct FusedSearch {
  std::vector<AnySearch> parts;
  FusionRequest request;
  SearchResult result;

  // Infinite if vectors must be read, since these may be cold.
  double expectedNs(Shard& shard, const Snapshot& snapshot);
  // Whether to wake another thread for it would take longer than it takes.
  bool isShort(Shard& shard, const Snapshot& snapshot);
  // Runs one part after the other.
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
