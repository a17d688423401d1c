// A search that is interrupted at every possible place and resumes.
#pragma once

#include <chrono>
#include <utility>

#include "harness.hpp"
#include "search/parked_search.hpp"
#include "shard/shard.hpp"

namespace vicinal::test {

// Interrupts the search at its beginning, then by deadlines. Each deadline is longer, because the
// least time for progress differs from machine to machine. Calls `between(parked, isParked)` after
// each run.
template <typename Between>
SearchResult interruptedSearch(const Shard& shard, const Snapshot& snapshot, SearchRequest request,
                               const Between& between) {
  const std::chrono::nanoseconds more(isSanitized() ? 3000 : 500);
  ParkedSearch parked;
  request.parked = &parked;
  for (std::chrono::nanoseconds patience(0);; patience += more) {
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
