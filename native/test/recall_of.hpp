// Compares answers with the exact ones, query by query.
#pragma once

#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "harness.hpp"
#include "search/search.hpp"

namespace vicinal::test {

// Mean recall, and the strategies used. `find(query, isExact)` answers a query. Checks that there
// are as many answers as exact ones, none twice, with the right scores.
template <typename Find>
std::pair<double, std::set<std::string>> recallOf(size_t queries, const Find& find) {
  double hits = 0;
  double wanted = 0;
  std::set<std::string> strategies;
  for (size_t at = 0; at < queries; at++) {
    const SearchResult truth = find(at, true);
    const SearchResult found = find(at, false);
    CHECK(found.rows.count == truth.rows.count);
    for (const SegmentReport& segment : found.segments) strategies.insert(segment.strategy);
    wanted += truth.rows.count;
    std::set<uint32_t> once;
    for (uint32_t i = 0; i < found.rows.count; i++) {
      const uint32_t id = found.rows.ids[i * kIdWords + 1];
      CHECK(once.insert(id).second);
      for (uint32_t j = 0; j < truth.rows.count; j++) {
        if (id != truth.rows.ids[j * kIdWords + 1]) continue;
        hits++;
        CHECK(std::fabs(found.scores[i] - truth.scores[j]) <=
              1e-4f * std::fabs(truth.scores[j]) + 1e-4f);
      }
    }
  }
  return {hits / wanted, strategies};
}

} // namespace vicinal::test
