// The latest remembered queries of callers, to be searched again in idle time.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "search/search.hpp"

namespace vicinal {

struct RememberedQuery {
  std::vector<float> vector;
  FilterBytes filter;
  uint32_t limit = 0;
  float recall = 0;
  // Number of the query among all remembered ones.
  uint64_t number = 0;
};

class RememberedQueries {
public:
  // Keeps at most `most` queries, or as many as fit `mostBytes`, and at least `least`.
  RememberedQueries(size_t least, size_t most, size_t mostBytes)
      : least_(least), most_(most), mostBytes_(mostBytes) {}

  void add(const SearchRequest& request);
  // The latest query that was not taken yet, unless it is too old.
  std::optional<RememberedQuery> take();
  // How many queries `take` would still return.
  size_t waiting() const;
  // How many queries are kept once the ring is full.
  size_t room() const;
  uint64_t ever() const { return ever_; }
  // The vectors of the queries from this number on.
  std::vector<std::vector<float>> vectorsSince(uint64_t number) const;
  uint64_t bytes() const;
  // Oldest first.
  std::vector<const RememberedQuery*> inOrder() const;

private:
  struct Slot {
    RememberedQuery query;
    bool isTaken = false;
  };

  const size_t least_;
  const size_t most_;
  const size_t mostBytes_;
  std::vector<Slot> ring_; // by number
  uint64_t ever_ = 0;
};

} // namespace vicinal
