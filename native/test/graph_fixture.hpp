// Clustered rows, like embeddings (uniformly random rows have no meaningful neighbours), a graph
// over them and the true neighbours.
#pragma once

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "distance/prepare.hpp"
#include "graph/hnsw_search.hpp"
#include "test/harness.hpp"

namespace vicinal::test {

inline std::vector<float> clusteredRows(size_t rows, size_t dim, unsigned seed, bool unit) {
  std::mt19937 random(seed);
  std::mt19937 centreRandom(99);
  std::normal_distribution<float> normal;
  const size_t clusters = 40;
  std::vector<float> centres(clusters * dim);
  for (float& value : centres) value = normal(centreRandom);
  std::vector<float> data(rows * dim);
  for (size_t row = 0; row < rows; row++) {
    const float* centre = &centres[random() % clusters * dim];
    for (size_t i = 0; i < dim; i++) data[row * dim + i] = centre[i] + 0.7f * normal(random);
  }
  if (unit) prepareVectors(data.data(), rows, dim, true);
  return data;
}

// Whether floats or codes lead the walk and build the graph.
enum class Lead { Floats, Codes };

// Rows in a Region, and a graph that grows over them.
struct GraphFixture {
  GraphFixture(Metric metric, size_t dim, uint32_t capacity, GraphConfig config = {},
               Lead lead = Lead::Floats)
      : rows(RegionArray<float>::reserve(uint64_t(capacity) * dim).take()),
        codeRows(
            RegionArray<uint8_t>::reserve(uint64_t(capacity) * Sq8Space::strideOf(uint32_t(dim)))
                .take()),
        space(metric, uint32_t(dim), rows.data()),
        codes(lead == Lead::Codes ? CodeSpace(Sq8Space(metric, uint32_t(dim), codeRows.data()))
                                  : CodeSpace()),
        graph(HnswGraph::create(space, codes, config, capacity).take()) {}

  void addRows(const std::vector<float>& data) {
    if (!rows.append(data.data(), data.size()).isOk()) fail(__FILE__, __LINE__, "no room for rows");
    addCodes();
    if (!graph->prepare(uint32_t(rows.size() / space.dim)).isOk())
      fail(__FILE__, __LINE__, "no room for vertices");
  }
  void addCodes() {
    if (codes.kind() == CodeKind::None) return;
    const auto count = uint32_t(rows.size() / space.dim);
    if (!codeRows.grow(uint64_t(count) * codes.stride()).isOk())
      fail(__FILE__, __LINE__, "no room for codes");
    for (uint32_t row = graph->prepared(); row < count; row++) codes.encode(row, rowOf(row));
  }
  // Searches with the kind of rows that the graph was built on.
  template <typename Accept>
  SearchReport search(const float* query, const SearchOptions& options, const Accept& accept,
                      std::vector<Neighbor>& found) const {
    if (codes.kind() == CodeKind::None)
      return graph->search(FloatScorer{space, query}, options, accept, found);
    CodeQuery prepared;
    codes.prepare(query, prepared);
    return graph->search(CodeScorer{codes, prepared}, options, accept, found);
  }
  void addAndInsert(const std::vector<float>& data) {
    const uint32_t from = graph->prepared();
    addRows(data);
    for (uint32_t vertex = from; vertex < graph->prepared(); vertex++) graph->insert(vertex);
  }
  void checkValid() {
    for (const std::string& violation : graph->validate(graph->prepared()))
      fail(__FILE__, __LINE__, violation);
  }

  template <typename Accept>
  std::vector<Neighbor> exact(const float* query, size_t k, const Accept& accept) const {
    TopK top(k);
    for (uint32_t vertex = 0; vertex < graph->prepared(); vertex++)
      if (accept(vertex)) top.offer({space.distance(query, vertex), vertex});
    return top.takeSorted();
  }

  void rescore(const float* query, std::vector<Neighbor>& found) const {
    for (Neighbor& hit : found) hit.distance = space.distance(query, hit.vertex);
    std::sort(found.begin(), found.end(), isNearer);
  }

  // Mean recall@10 over queries from the same clusters.
  template <typename Accept>
  double recall(uint32_t ef, const Accept& accept, size_t queries = 100) const {
    const auto asked = clusteredRows(queries, space.dim, 4242, space.metric == Metric::Cosine);
    size_t hits = 0;
    size_t all = 0;
    std::vector<Neighbor> found;
    for (size_t q = 0; q < queries; q++) {
      const auto truth = exact(&asked[q * space.dim], 10, accept);
      search(&asked[q * space.dim], {ef}, accept, found);
      rescore(&asked[q * space.dim], found);
      if (found.size() > 10) found.resize(10);
      all += truth.size();
      for (const Neighbor& hit : found)
        hits += std::any_of(truth.begin(), truth.end(),
                            [&](auto& t) { return t.vertex == hit.vertex; });
    }
    return double(hits) / double(all);
  }

  const float* rowOf(uint32_t vertex) const { return &rows[uint64_t(vertex) * space.dim]; }

  RegionArray<float> rows;
  RegionArray<uint8_t> codeRows;
  Space space;
  CodeSpace codes;
  std::unique_ptr<HnswGraph> graph;
};

} // namespace vicinal::test
