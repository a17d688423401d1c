// Rows with numbers to filter by: random numbers, and numbers by position.
#pragma once

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graph_fixture.hpp"
#include "harness.hpp"
#include "program_bytes.hpp"
#include "recall_of.hpp"
#include "shard_fixture.hpp"

namespace vicinal::test {

// `r` is a random number from 0 to 999. `side` is a row's rank by its distance from a pivot, in the
// same range. `unindexed` equals `side`, in a field without an index.
struct FilteredFixture {
  static constexpr uint32_t kDim = 40;
  static constexpr uint32_t kPerMille = 1000;

  FilteredFixture(Metric metric, uint32_t rows) : pool(2), metric(metric) {
    ShardSpec spec;
    spec.vectors = {{"v", kDim, metric, 12, 80}};
    spec.segmentBytes = uint64_t(1) << 28;
    shard = std::make_unique<Shard>(spec, pool);
    for (const char* field : {"r", "side"})
      CHECK(shard->createPayloadIndex({field, PayloadIndexKind::Integer}).isOk());
    data = clusteredRows(rows, kDim, 1, metric == Metric::Cosine);
    queries = clusteredRows(200, kDim, 4242, metric == Metric::Cosine);
    add(rows);
  }

  void add(uint32_t rows) {
    const Space space(metric, kDim, data.data());
    std::vector<std::pair<float, uint32_t>> order;
    for (uint32_t row = 0; row < rows; row++)
      order.emplace_back(space.distance(queries.data(), row), row);
    std::sort(order.begin(), order.end());
    std::vector<uint32_t> rank(rows);
    for (uint32_t at = 0; at < rows; at++)
      rank[order[at].second] = uint32_t(uint64_t(at) * kPerMille / rows);
    std::vector<std::string> payloads;
    std::mt19937 random(7);
    for (uint32_t row = 0; row < rows; row++)
      payloads.push_back("{\"r\":" + std::to_string(random() % kPerMille) +
                         ",\"side\":" + std::to_string(rank[row]) +
                         ",\"unindexed\":" + std::to_string(rank[row]) + "}");
    REQUIRE(fillMeasured(*shard, data, payloads).isOk());
  }

  // Keeps the queries nearest to the first one, which is the pivot of `side`.
  void askNearPivot() {
    const auto all = clusteredRows(3000, kDim, 4242, metric == Metric::Cosine);
    const Space space(metric, kDim, all.data());
    std::vector<std::pair<float, uint32_t>> order;
    for (uint32_t at = 0; at < 3000; at++) order.emplace_back(space.distance(all.data(), at), at);
    std::sort(order.begin(), order.end());
    for (size_t at = 0; at < queries.size() / kDim; at++)
      std::copy_n(&all[size_t(order[at].second) * kDim], kDim, &queries[at * kDim]);
  }

  SearchResult find(size_t query, const FilterBytes& filter, bool exact) const {
    SearchRequest request;
    request.query.assign(&queries[query * kDim], &queries[query * kDim] + kDim);
    request.limit = 10;
    request.recall = asked;
    request.isExact = exact;
    request.filter = filter;
    request.explains = true;
    SearchResult result;
    CHECK(search(shard->snapshot(), shard->spec().vectors, request, nullptr, result).isOk());
    return result;
  }

  // Mean recall@10, and the strategies used.
  std::pair<double, std::set<std::string>> measure(const FilterBytes& filter) const {
    return recallOf(queries.size() / kDim,
                    [&](size_t at, bool isExact) { return find(at, filter, isExact); });
  }

  ThreadPool pool;
  Metric metric;
  float asked = 0.95f;
  std::unique_ptr<Shard> shard;
  std::vector<float> data;
  std::vector<float> queries;
};

} // namespace vicinal::test
