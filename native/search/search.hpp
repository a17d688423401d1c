// Nearest-neighbour search over a snapshot of a shard, scroll and count.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "search/row_block.hpp"

namespace vicinal {

struct SearchRequest {
  uint32_t vector = 0;
  // Of the vector's dimension, finite and, under Cosine, of unit length (or zero).
  std::vector<float> query;
  uint32_t limit = 10;
  uint32_t offset = 0;
  uint32_t ef = 0;
  bool isExact = false;
  bool isIndexedOnly = false;
  bool hasThreshold = false;
  float threshold = 0;
  // A filter program (filter/), or none.
  std::optional<std::vector<uint8_t>> filter;
  std::vector<PointId> exclude;
  RowFields fields;
};

struct SearchStats {
  uint64_t visited = 0;
  uint64_t distances = 0;
  uint64_t matches = 0;
  std::string strategy;
};

struct SearchResult {
  RowBlock rows;
  Buffer<float> scores;
  SearchStats stats;
};

Status search(const Snapshot& snapshot, const std::vector<VectorSpec>& specs, const SearchRequest& request,
              const CancelFlag* cancel, SearchResult& result);

} // namespace vicinal
