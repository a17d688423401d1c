// A search that is interrupted wherever it can be, and goes on.
#pragma once

#include <chrono>
#include <utility>

#include "harness.hpp"
#include "search/parked_search.hpp"
#include "shard/shard.hpp"

namespace vicinal::test {

// At once, and then with deadlines that let it get somewhere, longer each time: what is too short
// to get anywhere differs from machine to machine. `between(parked, isParked)` each time.
template <typename Between>
SearchResult interruptedSearch(const Shard& shard, const Snapshot& snapshot, SearchRequest request,
                               const Between& between) {
  ParkedSearch parked;
  request.parked = &parked;
  for (std::chrono::microseconds patience(0);; patience += std::chrono::microseconds(3)) {
    const CancelFlag soon(CancelFlag::Clock::now() + patience);
    SearchResult result;
    const uint32_t parkings = parked.parkings();
    const Status status = search(snapshot, shard.spec().vectors, request, &soon, result);
    if (status.isOk()) return result;
    CHECK(status.code() == Code::Cancelled);
    between(std::as_const(parked), parked.parkings() > parkings);
  }
}

} // namespace vicinal::test
