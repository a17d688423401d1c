// Walks that are interrupted and resume, and the bound on a walk's length.
#include <chrono>
#include <random>
#include <thread>

#include "graph/parked_walk.hpp"
#include "search/walk_length.hpp"
#include "test/graph_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

const uint32_t kRows = isSlow() ? 800 : 4000;
constexpr size_t kDim = 24;
constexpr SearchOptions kOptions{64};

std::vector<float> rowsOf(size_t rows, unsigned seed) {
  return clusteredRows(rows, kDim, seed, false);
}

struct Found {
  std::vector<Neighbor> nearest;
  SearchReport report;
};

Found wholeWalk(const GraphFixture& fixture, const float* query) {
  Found found;
  found.report = fixture.search(query, kOptions, AcceptAll(), found.nearest);
  return found;
}

// Starts with a cancelled flag, so that the walk is parked at its beginning.
SearchOptions parkedAtOnce(const GraphFixture& fixture, const float* query, ParkedWalk& parked) {
  SearchOptions options = kOptions;
  options.parked = &parked;
  CancelFlag stopped;
  stopped.cancel();
  options.cancel = &stopped;
  std::vector<Neighbor> nearest;
  CHECK(fixture.search(query, options, AcceptAll(), nearest).end == SearchEnd::Cancelled);
  CHECK(parked.isOf(*fixture.graph));
  options.cancel = nullptr;
  return options;
}

// Continues with deadlines until the walk ends. `between` runs each time it is parked.
template <typename Between>
Found parkedWalk(const GraphFixture& fixture, const float* query, size_t& parkings,
                 const Between& between) {
  ParkedWalk parked;
  SearchOptions options = parkedAtOnce(fixture, query, parked);
  Found found;
  found.report.end = SearchEnd::Cancelled;
  std::chrono::microseconds patience(0);
  while (found.report.end == SearchEnd::Cancelled) {
    CHECK(parked.isOf(*fixture.graph));
    parkings++;
    between();
    // Each deadline is longer: the least time for progress differs from machine to machine.
    patience += std::chrono::microseconds(1);
    const CancelFlag soon(CancelFlag::Clock::now() + patience);
    options.cancel = &soon;
    found.report = fixture.search(query, options, AcceptAll(), found.nearest);
  }
  CHECK(!parked.isParked());
  return found;
}

void checkSame(const Found& one, const Found& other) {
  CHECK_EQUAL(one.report.distances, other.report.distances);
  CHECK_EQUAL(one.report.hops, other.report.hops);
  REQUIRE(one.nearest.size() == other.nearest.size());
  for (size_t at = 0; at < one.nearest.size(); at++)
    CHECK_EQUAL(one.nearest[at].vertex, other.nearest[at].vertex);
}

} // namespace

SOLO_TEST(
    "a parked walk finds the same as an uninterrupted one, whatever its thread did meanwhile") {
  for (const Lead lead : {Lead::Floats, Lead::Codes}) {
    GraphFixture fixture(Metric::L2, kDim, kRows, {}, lead);
    fixture.addAndInsert(rowsOf(kRows, 1));
    const auto queries = rowsOf(100, 7);
    size_t parkings = 0;
    for (size_t at = 0; at + 1 < 100; at++) {
      const float* const query = queries.data() + at * kDim;
      const Found whole = wholeWalk(fixture, query);
      checkSame(whole,
                parkedWalk(fixture, query, parkings, [&] { wholeWalk(fixture, query + kDim); }));
    }
    // Each walk was parked at its beginning, and some on their way.
    CHECK(parkings > 99);
  }
}

TEST("a parked walk resumes on another thread in a graph that grew meanwhile") {
  GraphFixture fixture(Metric::L2, kDim, kRows + 200);
  fixture.addAndInsert(rowsOf(kRows, 1));
  const auto query = rowsOf(1, 7);
  ParkedWalk parked;
  const SearchOptions options = parkedAtOnce(fixture, query.data(), parked);
  Found found;
  fixture.addAndInsert(rowsOf(200, 8));
  std::thread([&] {
    found.report = fixture.search(query.data(), options, AcceptAll(), found.nearest);
  }).join();
  CHECK(found.report.end == SearchEnd::Complete);
  CHECK_EQUAL(found.nearest.size(), size_t(kOptions.ef));
}

SOLO_TEST("a walk parked under other codes or in another graph starts again") {
  GraphFixture fixture(Metric::L2, kDim, kRows);
  GraphFixture other(Metric::L2, kDim, kRows);
  fixture.addAndInsert(rowsOf(kRows, 1));
  other.addAndInsert(rowsOf(kRows, 2));
  const auto query = rowsOf(1, 7);
  ParkedWalk parked;
  const auto leader = std::make_shared<const int>(1);
  parked.dropUnlessLedBy(leader);
  const SearchOptions options = parkedAtOnce(fixture, query.data(), parked);
  parked.dropUnlessLedBy(leader);
  CHECK(parked.isOf(*fixture.graph) && !parked.isOf(*other.graph));
  Found found;
  found.report = other.search(query.data(), options, AcceptAll(), found.nearest);
  checkSame(wholeWalk(other, query.data()), found);
  parked.dropUnlessLedBy(std::make_shared<const int>(2));
  CHECK(!parked.isParked());
}

SOLO_TEST("the length of walks follows their median, whether or not long ones are cut") {
  for (const double median : {0.7, 1.0, 3.0, 10.0}) {
    std::mt19937 random(5);
    std::lognormal_distribution<double> lengths(std::log(median), 0.6);
    WalkLength length;
    double sum = 0;
    for (int at = 0; at < 4000; at++) {
      length.learn(std::min(lengths(random), 2.0 * double(length.typical())));
      if (at >= 1000) sum += double(length.typical());
    }
    // Never below the calibrated walks.
    CHECK(std::abs(sum / 3000 / std::max(1.0, median) - 1) < 0.1);
  }
}
