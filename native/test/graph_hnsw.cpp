#include <atomic>
#include <cmath>
#include <set>
#include <thread>

#include "test/graph_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

const uint32_t graphRows = isSlow() ? 1500 : 6000;
constexpr size_t dim = 24;

std::vector<float> rowsOf(Metric metric, size_t rows, unsigned seed) {
  return clusteredRows(rows, dim, seed, metric == Metric::Cosine);
}

} // namespace

SOLO_TEST(
    "a graph finds the nearest rows under every metric, in order, with their exact distances") {
  for (const Metric metric : {Metric::Cosine, Metric::Dot, Metric::L2, Metric::L1}) {
    GraphFixture fixture(metric, dim, graphRows);
    fixture.addAndInsert(rowsOf(metric, graphRows, 1));
    fixture.checkValid();
    CHECK_AT_LEAST(fixture.recall(64, AcceptAll()), 0.97);
    const auto query = rowsOf(metric, 1, 5);
    std::vector<Neighbor> found;
    const SearchReport report = fixture.search(query.data(), {64}, AcceptAll(), found);
    CHECK_EQUAL(found.size(), size_t(64));
    CHECK(report.end == SearchEnd::Complete && report.distances > 64 && report.hops >= 64);
    CHECK(std::is_sorted(found.begin(), found.end(),
                         [](auto& a, auto& b) { return a.distance < b.distance; }));
    for (const Neighbor& hit : found)
      CHECK_EQUAL(hit.distance, fixture.space.distance(query.data(), hit.vertex));
  }
}

SOLO_TEST("a graph on codes finds the same as one on floats and stays valid") {
  for (const Metric metric : {Metric::Cosine, Metric::Dot, Metric::L2}) {
    GraphFixture floats(metric, dim, graphRows);
    GraphFixture codes(metric, dim, graphRows, {}, Lead::Codes);
    for (GraphFixture* fixture : {&floats, &codes}) {
      fixture->addAndInsert(rowsOf(metric, graphRows, 1));
      fixture->checkValid();
    }
    for (const uint32_t ef : {16u, 32u, 64u})
      CHECK_AT_LEAST(codes.recall(ef, AcceptAll()), floats.recall(ef, AcceptAll()) - 0.01);
    CHECK_AT_LEAST(codes.recall(64, [](uint32_t vertex) { return vertex % 5 == 0; }), 0.97);
  }
}

SOLO_TEST("graphs of zero, one and two vertices answer") {
  GraphFixture fixture(Metric::L2, dim, 10);
  std::vector<Neighbor> found{{1, 1}};
  const auto rows = rowsOf(Metric::L2, 2, 1);
  fixture.search(rows.data(), {10}, AcceptAll(), found);
  CHECK(found.empty());
  fixture.checkValid();
  for (size_t count = 1; count <= 2; count++) {
    fixture.addAndInsert(
        {rows.begin() + long((count - 1) * dim), rows.begin() + long(count * dim)});
    fixture.checkValid();
    fixture.search(rows.data(), {10}, AcceptAll(), found);
    CHECK_EQUAL(found.size(), count);
    CHECK_EQUAL(found.front().vertex, 0u);
  }
}

SOLO_TEST("refused vertices lead the walk but are never returned") {
  GraphFixture fixture(Metric::Cosine, dim, graphRows);
  fixture.addAndInsert(rowsOf(Metric::Cosine, graphRows, 1));
  for (const uint32_t every : {2u, 5u, 20u}) {
    const auto accept = [&](uint32_t vertex) { return vertex % every == 0; };
    CHECK_AT_LEAST(fixture.recall(64, accept), 0.97);
    std::vector<Neighbor> found;
    fixture.search(fixture.rows.data(), {50}, accept, found);
    CHECK_EQUAL(found.size(), size_t(50));
    for (const Neighbor& hit : found) CHECK_EQUAL(hit.vertex % every, 0u);
  }
  std::vector<Neighbor> found;
  fixture.search(
      fixture.rows.data(), {10}, [](uint32_t) { return false; }, found);
  CHECK(found.empty());
}

SOLO_TEST("after deleting 30 % and inserting as many, the recall equals that of a fresh graph") {
  GraphFixture aged(Metric::Cosine, dim, 2 * graphRows);
  aged.addAndInsert(rowsOf(Metric::Cosine, graphRows, 1));
  std::mt19937 random(11);
  std::vector<bool> deleted(2 * graphRows);
  for (uint32_t left = graphRows * 3 / 10; left > 0;) {
    const uint32_t vertex = uint32_t(random() % graphRows);
    if (!deleted[vertex]) left--;
    deleted[vertex] = true;
  }
  aged.addAndInsert(rowsOf(Metric::Cosine, graphRows * 3 / 10, 2));
  aged.checkValid();
  GraphFixture fresh(Metric::Cosine, dim, graphRows);
  std::vector<float> live;
  for (uint32_t vertex = 0; vertex < aged.graph->prepared(); vertex++)
    if (!deleted[vertex]) live.insert(live.end(), aged.rowOf(vertex), aged.rowOf(vertex) + dim);
  fresh.addAndInsert(live);
  const auto isLive = [&](uint32_t vertex) { return !deleted[vertex]; };
  for (const uint32_t ef : {20u, 40u, 80u})
    CHECK_AT_LEAST(aged.recall(ef, isLive), fresh.recall(ef, AcceptAll()) - 0.01);
}

namespace {

void checkEqualRows(uint32_t m, Lead lead) {
  GraphFixture fixture(Metric::L2, dim, 4000, {m, 50, 3}, lead);
  const auto others = rowsOf(Metric::L2, 500, 1);
  const std::vector<float> one(others.begin(), others.begin() + dim);
  for (int i = 0; i < 700; i++) fixture.addAndInsert(one);
  fixture.checkValid();
  fixture.addAndInsert(others);
  for (int i = 0; i < 300; i++) fixture.addAndInsert(one);
  fixture.checkValid();
  std::vector<Neighbor> found;
  fixture.search(one.data(), {200}, AcceptAll(), found);
  fixture.rescore(one.data(), found);
  CHECK_EQUAL(found.size(), size_t(200));
  CHECK_EQUAL(found.back().distance, 0.0f);
  if (m == 16)
    CHECK_AT_LEAST(fixture.recall(200, [](uint32_t v) { return v >= 700 && v < 1200; }), 0.9);
}

} // namespace

SOLO_TEST("any number of equal rows stays reachable, and so do other rows from them") {
  for (const uint32_t m : {2u, 4u, 16u})
    for (const Lead lead : {Lead::Floats, Lead::Codes}) checkEqualRows(m, lead);
}

TEST("threads insert at once while others search, and every vertex ends up linked") {
  const uint32_t rows = isSlow() ? 1200 : 6000;
  GraphFixture fixture(Metric::Cosine, dim, rows);
  const auto data = rowsOf(Metric::Cosine, rows, 1);
  const uint32_t batch = rows / 6;
  std::atomic<bool> done{false};
  std::thread searcher([&] {
    std::vector<Neighbor> found;
    uint64_t searches = 0;
    while (!done) {
      const uint32_t prepared = fixture.graph->prepared();
      fixture.search(&data[searches++ % rows * dim], {40}, AcceptAll(), found);
      std::set<uint32_t> distinct;
      for (const Neighbor& hit : found) distinct.insert(hit.vertex);
      if (distinct.size() != found.size()) return fail(__FILE__, __LINE__, "a vertex found twice");
      if (!distinct.empty() && *distinct.rbegin() >= fixture.graph->prepared())
        return fail(__FILE__, __LINE__, "a vertex nobody prepared");
      (void)prepared;
    }
  });
  for (uint32_t from = 0; from < rows; from += batch) {
    fixture.addRows(
        {data.begin() + long(from) * long(dim), data.begin() + long(from + batch) * long(dim)});
    std::atomic<uint32_t> next{from};
    const auto work = [&] {
      for (uint32_t vertex = next++; vertex < from + batch; vertex = next++)
        fixture.graph->insert(vertex);
    };
    std::vector<std::thread> inserters;
    for (int i = 0; i < 3; i++) inserters.emplace_back(work);
    for (std::thread& thread : inserters) thread.join();
  }
  done = true;
  searcher.join();
  CHECK_EQUAL(fixture.graph->inserted(), rows);
  fixture.checkValid();
  CHECK_AT_LEAST(fixture.recall(64, AcceptAll()), 0.97);
}

SOLO_TEST("a search stops at its budget and at a cancel") {
  GraphFixture fixture(Metric::Cosine, dim, graphRows);
  fixture.addAndInsert(rowsOf(Metric::Cosine, graphRows, 1));
  std::vector<Neighbor> found;
  SearchOptions options{200, {}, 100, nullptr};
  SearchReport report = fixture.search(fixture.rows.data(), options, AcceptAll(), found);
  CHECK(report.end == SearchEnd::BudgetSpent);
  CHECK(report.distances < 200);
  CancelFlag cancel;
  cancel.cancel();
  options = {200, {}, UINT64_MAX, &cancel};
  report = fixture.search(fixture.rows.data(), options, AcceptAll(), found);
  CHECK(report.end == SearchEnd::Cancelled);
}

SOLO_TEST("levels depend only on vertex and seed, and become rarer by the factor m") {
  GraphFixture fixture(Metric::L2, dim, 10, {16, 100, 7});
  std::vector<uint32_t> byLevel(40);
  for (uint32_t vertex = 0; vertex < 200'000; vertex++) byLevel[fixture.graph->levelOf(vertex)]++;
  CHECK(byLevel[1] > 11'000 && byLevel[1] < 12'500);
  CHECK(byLevel[2] > 600 && byLevel[2] < 900);
  CHECK_EQUAL(fixture.graph->levelOf(3),
              GraphFixture(Metric::L1, 2, 10, {16, 9, 7}).graph->levelOf(3));
}

SOLO_TEST("a graph takes at most four bytes for each neighbour slot and little for upper levels") {
  GraphFixture fixture(Metric::Cosine, dim, graphRows);
  fixture.addAndInsert(rowsOf(Metric::Cosine, graphRows, 1));
  const double perVertex = double(fixture.graph->bytes()) / graphRows;
  CHECK(perVertex <= 4 * (4 * 16 + 1) + 10);
  CHECK(fixture.graph->prepare(graphRows + 1).code() == Code::TooLarge);
}

SOLO_TEST(
    "a search that stops by distance finds the nearest of easy and hard queries with less work") {
  for (const Metric metric : {Metric::Cosine, Metric::L2}) {
    GraphFixture fixture(metric, dim, graphRows);
    fixture.addAndInsert(rowsOf(metric, graphRows, 1));
    const auto queries = rowsOf(metric, 100, 4242);
    const float origin = metric == Metric::Cosine ? 1.0f : 0.0f;
    uint64_t byWidth = 0;
    uint64_t byDistance = 0;
    size_t lost = 0;
    std::vector<Neighbor> wide;
    std::vector<Neighbor> stopped;
    for (size_t q = 0; q < 100; q++) {
      const float* const query = &queries[q * dim];
      byWidth += fixture.search(query, {200}, AcceptAll(), wide).distances;
      byDistance +=
          fixture.search(query, {200, {10, 1.3f, origin}}, AcceptAll(), stopped).distances;
      REQUIRE(stopped.size() >= 10);
      lost += stopped[9].distance > wide[9].distance ? 1 : 0;
    }
    CHECK(byDistance < byWidth * 3 / 4);
    CHECK(lost <= 3);
  }
}

SOLO_TEST(
    "a new vertex looks farther with each doubling of a large graph, and by ef_construction") {
  const auto isAbout = [](float a, float b) { return std::abs(a - b) < 1e-5f; };
  for (const uint32_t vertices : {0u, 1u, 1000u, 1u << 17, 1u << 18})
    CHECK(isAbout(HnswGraph::insertReach(200, vertices), 1.03f));
  CHECK(isAbout(HnswGraph::insertReach(200, 1u << 19), 1.06f));
  CHECK(isAbout(HnswGraph::insertReach(200, 1u << 20), 1.09f));
  CHECK(isAbout(HnswGraph::insertReach(400, 1u << 20), 1.18f));
}
