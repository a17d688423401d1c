// Searches that are interrupted at every possible place and resume. They find the same as
// uninterrupted ones, even if their thread ran others meanwhile.
#include <map>

#include "filtered_fixture.hpp"
#include "interrupted_search.hpp"
#include "search/search_pace.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr size_t kQueries = 40;

// `ef` 0: the beam that the recall takes.
SearchRequest requestOf(const FilteredFixture& fixture, size_t query, const FilterBytes& filter,
                        uint32_t ef) {
  constexpr uint32_t dim = FilteredFixture::kDim;
  SearchRequest request;
  request.query.assign(&fixture.queries[query * dim], &fixture.queries[query * dim] + dim);
  request.limit = 10;
  request.recall = fixture.asked;
  request.filter = filter;
  request.ef = ef;
  return request;
}

FilterBytes notThese(const std::vector<PointId>& ids) {
  Bytes program;
  program.op(FilterOp::Not).op(FilterOp::HasId).put(uint32_t(ids.size()));
  for (const PointId& id : ids) {
    uint32_t words[kIdWords];
    encodePointId(id, words);
    for (const uint32_t word : words) program.put(word);
  }
  return program.bytes;
}

FilterBytes both(const std::vector<uint8_t>& one, const std::vector<uint8_t>& other) {
  Bytes program;
  program.op(FilterOp::All).put(uint32_t(2));
  program.bytes.insert(program.bytes.end(), one.begin(), one.end());
  program.bytes.insert(program.bytes.end(), other.begin(), other.end());
  return program.bytes;
}

// Where searches were interrupted, and how often.
using Interrupted = std::map<std::string, size_t>;

class Parked {
public:
  Parked(const FilteredFixture& fixture, uint32_t ef) : fixture_(fixture), ef_(ef) {}

  SearchResult findAtOnce(size_t query, const FilterBytes& filter) const {
    SearchResult result;
    CHECK(search(fixture_.shard->snapshot(), fixture_.shard->spec().vectors,
                 requestOf(fixture_, query, filter, ef_), nullptr, result)
              .isOk());
    return result;
  }

  SearchResult find(size_t query, const FilterBytes& filter) {
    const Snapshot snapshot = fixture_.shard->snapshot();
    return interruptedSearch(*fixture_.shard, snapshot, requestOf(fixture_, query, filter, ef_),
                             [&](const ParkedSearch& parked, bool isParked) {
                               if (isParked)
                                 note(parked, snapshot);
                               else
                                 interrupted["not parked"]++;
                               // Another search, which uses this thread's memory.
                               findAtOnce((query + 1) % kQueries, filter);
                             });
  }

  Interrupted interrupted;

private:
  void note(const ParkedSearch& parked, const Snapshot& snapshot) {
    using Way = ParkedWalk::Way;
    const VectorSpace& space = snapshot.segment(0).space(0);
    if (parked.hasScanOf(space))
      interrupted["scan"]++;
    else if (parked.before)
      interrupted["walk made anew"]++;
    else if (parked.walk.isOf(space.graph(), Way::All))
      interrupted["walk among all"]++;
    else if (parked.walk.isOf(space.graph(), Way::Filtered))
      interrupted["walk that refuses"]++;
    else if (parked.walk.isOf(space.graph(), Way::Accepted))
      interrupted["walk among matches"]++;
  }

  const FilteredFixture& fixture_;
  const uint32_t ef_;
};

void checkSame(const SearchResult& one, const SearchResult& other) {
  REQUIRE(one.rows.count == other.rows.count);
  CHECK_EQUAL(one.stats.distances, other.stats.distances);
  CHECK_EQUAL(one.stats.visited, other.stats.visited);
  CHECK_EQUAL(one.stats.rescored, other.stats.rescored);
  CHECK_EQUAL(one.stats.matches, other.stats.matches);
  CHECK_EQUAL(one.stats.strategy, other.stats.strategy);
  for (size_t at = 0; at < one.rows.count * kIdWords; at++)
    CHECK_EQUAL(one.rows.ids[at], other.rows.ids[at]);
  for (size_t at = 0; at < one.rows.count; at++) CHECK_EQUAL(one.scores[at], other.scores[at]);
}

Interrupted compareAll(const FilteredFixture& fixture, const FilterBytes& filter, uint32_t ef = 0) {
  Parked parked(fixture, ef);
  for (size_t query = 0; query < kQueries; query++)
    checkSame(parked.find(query, filter), parked.findAtOnce(query, filter));
  return parked.interrupted;
}

} // namespace

ANSWERS_TEST("a parked search finds the same as an uninterrupted one") {
  FilteredFixture fixture(Metric::L2, 20'000);
  fixture.asked = 0.8f;
  Interrupted all;
  const auto compare = [&](const char* what, const FilterBytes& filter, uint32_t ef = 0) {
    std::printf("%s:", what);
    for (const auto& [where, times] : compareAll(fixture, filter, ef)) {
      std::printf(" %s %zu", where.c_str(), times);
      all[where] += times;
    }
    std::printf("\n");
  };
  compare("none", std::nullopt);
  for (const double share : {900.0, 500.0, 420.0, 390.0, 80.0})
    compare("at random", numberRange("r", 0, share));
  compare("at random, wider", numberRange("r", 0, 390), 40);
  compare("unindexed", numberRange("unindexed", 0, 380), 10);
  fixture.askNearPivot();
  compare("near", numberRange("side", 0, 100));
  // The walk goes among all vertices, but farther than if everything near the query matched.
  compare("most of near", both(numberRange("side", 0, 300), numberRange("r", 0, 850)));
  compare("but the nearest", numberRange("side", 3, 1000));
  compare("far", numberRange("side", 900, 1000));
  compare("hardly any near", numberRange("side", 100, 1000));
  // Searches were also interrupted after their beginning.
  CHECK(all["walk among matches"] > 2 * kQueries);
  for (const char* where :
       {"walk among all", "walk that refuses", "walk among matches", "scan", "walk made anew"}) {
    std::printf("%s: %zu\n", where, all[where]);
    CHECK(all[where] > 0);
  }
}

ANSWERS_TEST("a search among few live rows is parked and resumes") {
  FilteredFixture fixture(Metric::Cosine, 20'000);
  std::vector<PointId> dead;
  for (uint32_t id = 0; id < fixture.data.size() / FilteredFixture::kDim; id++)
    if (id * 2654435761u % 10 < 7) dead.push_back(PointId::number(id));
  REQUIRE(fixture.shard->deletePoints(dead, 2).isOk());
  fixture.asked = 0.8f;
  Interrupted none = compareAll(fixture, std::nullopt);
  CHECK(none["walk among matches"] > 0);
  compareAll(fixture, numberRange("r", 0, 500));
}

ANSWERS_TEST("a search led by other codes starts again") {
  // With few rows a scan costs about as much as a walk, and counted matches decide between them.
  const FilteredFixture fixture(Metric::L2, isSanitized() ? 6000 : 30'000);
  const auto& specs = fixture.shard->spec().vectors;
  const Snapshot snapshot = fixture.shard->snapshot();
  CancelFlag atOnce;
  atOnce.cancel();
  for (const double share : {900.0, 390.0, 250.0})
    for (size_t query = 0; query < 10; query++) {
      ParkedSearch parked;
      SearchRequest request = requestOf(fixture, query, numberRange("r", 0, share), 20);
      request.parked = &parked;
      SearchResult found;
      CHECK(search(snapshot, specs, request, &atOnce, found).code() == Code::Cancelled);
      CHECK(parked.isParked());
      request.ignoresCodes = true;
      found = {};
      CHECK(search(snapshot, specs, request, nullptr, found).isOk());
      request.parked = nullptr;
      SearchResult whole;
      CHECK(search(snapshot, specs, request, nullptr, whole).isOk());
      checkSame(found, whole);
    }
}

ANSWERS_TEST("a parked search starts again if another plan has become cheaper") {
  // Half of the rows match. A low recall first, then a high one: that makes another plan.
  FilteredFixture fixture(Metric::L2, isSlow() ? 6000 : 30'000);
  const auto& specs = fixture.shard->spec().vectors;
  CancelFlag atOnce;
  atOnce.cancel();
  const FilterBytes filter = numberRange("r", 0, 450);
  const Snapshot snapshot = fixture.shard->snapshot();
  std::vector<PointId> dead;
  for (uint32_t id = 0; id < fixture.data.size() / FilteredFixture::kDim; id += 4)
    dead.push_back(PointId::number(id));
  std::vector<ParkedSearch> parked(kQueries);
  for (size_t query = 0; query < kQueries; query++) {
    SearchRequest request = requestOf(fixture, query, filter, 40);
    request.parked = &parked[query];
    SearchResult found;
    CHECK(search(snapshot, specs, request, &atOnce, found).code() == Code::Cancelled);
  }
  // With a quarter fewer live rows, the plan has no walk among all vertices any more.
  REQUIRE(fixture.shard->deletePoints(dead, 2).isOk());
  const Snapshot now = fixture.shard->snapshot();
  // No duplicates, no wrong scores, and the requested recall.
  const auto [recall, strategies] = recallOf(kQueries, [&](size_t query, bool isExact) {
    SearchRequest request = requestOf(fixture, query, filter, 40);
    request.isExact = isExact;
    if (!isExact) request.parked = &parked[query];
    SearchResult found;
    CHECK(search(now, specs, request, nullptr, found).isOk());
    return found;
  });
  std::printf("%.4f\n", recall);
  CHECK_AT_LEAST(recall, 0.85);
}

ANSWERS_TEST("the recall is kept if everything near the query matches except the few nearest") {
  for (const Metric metric : {Metric::L2, Metric::Dot}) {
    FilteredFixture fixture(metric, isSlow() ? 6000 : 30'000);
    const uint32_t rows = uint32_t(fixture.data.size() / FilteredFixture::kDim);
    const Space space(metric, FilteredFixture::kDim, fixture.data.data());
    for (const size_t skipped : {0u, 3u, 6u, 9u})
      for (const float asked : {0.8f, 0.95f}) {
        double hits = 0;
        constexpr size_t kAsked = 100;
        for (size_t query = 0; query < kAsked; query++) {
          std::vector<std::pair<float, uint32_t>> order;
          for (uint32_t row = 0; row < rows; row++)
            order.emplace_back(space.distance(&fixture.queries[query * FilteredFixture::kDim], row),
                               row);
          std::partial_sort(order.begin(), order.begin() + 20, order.end());
          std::vector<PointId> seen;
          for (size_t at = 0; at < skipped; at++) seen.push_back(PointId::number(order[at].second));
          SearchRequest request = requestOf(fixture, query, notThese(seen), 0);
          request.recall = asked;
          SearchResult found;
          CHECK(search(fixture.shard->snapshot(), fixture.shard->spec().vectors, request, nullptr,
                       found)
                    .isOk());
          for (uint32_t at = 0; at < found.rows.count; at++)
            for (size_t rank = skipped; rank < skipped + 10; rank++)
              hits += found.rows.ids[at * kIdWords + 1] == order[rank].second ? 1 : 0;
        }
        const double recall = hits / (10 * kAsked);
        std::printf("metric %d, but %zu, asked %.2f: %.4f\n", int(metric), skipped, asked, recall);
        CHECK_AT_LEAST(recall, asked - 0.02);
      }
  }
}

TEST("after a search with a filter could not be parked, such searches are not parked for a while") {
  FilteredPace pace;
  const FilterBytes filter = numberRange("r", 0, 500);
  CHECK(std::isinf(pace.nanoseconds(filter)));
  CHECK(pace.parks(filter));
  pace.learn(filter, 100, Parks::Yes);
  // Rises slowly if searches can be parked.
  pace.learn(filter, 900, Parks::Yes);
  CHECK_EQUAL(pace.nanoseconds(filter), 200.0);
  pace.couldNotPark(filter);
  CHECK(!pace.parks(filter));
  // Rises at once.
  pace.learn(filter, 900, Parks::No);
  CHECK_EQUAL(pace.nanoseconds(filter), 900.0);
  CHECK(pace.parks(numberRange("r", 0, 501)));
  size_t more = 0;
  for (; !pace.parks(filter) && more < 1000; more++) pace.learn(filter, 100, Parks::No);
  CHECK(more > 10 && more < 1000);
}
