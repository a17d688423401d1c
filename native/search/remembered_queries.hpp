// Some of callers' queries, the latest: to be asked again when there is time.
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
  // Of all that were remembered.
  uint64_t number = 0;
};

class RememberedQueries {
public:
  // At most so many are kept, or as many as fit, and at least so many.
  RememberedQueries(size_t least, size_t most, size_t mostBytes)
      : least_(least), most_(most), mostBytes_(mostBytes) {}

  void add(const SearchRequest& request);
  // The latest that was not taken yet, unless it is too old.
  std::optional<RememberedQuery> take();
  // That `take` would give.
  size_t waiting() const;
  // How many are kept, once there are as many.
  size_t room() const;
  uint64_t ever() const { return ever_; }
  // The vectors of those from this number on.
  std::vector<std::vector<float>> vectorsSince(uint64_t number) const;
  uint64_t bytes() const;
  // The oldest first.
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
