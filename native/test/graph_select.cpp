// Compares selection, ordering and shortlists with a full sort.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <random>
#include <utility>

#include "graph/accepted_walk.hpp"
#include "graph/select_nearest.hpp"
#include "graph/shortlist.hpp"
#include "harness.hpp"

using namespace vicinal;

namespace {

// How distances are spread: evenly, in steps, all equal, some NaN or infinite, or a few far beyond
// the others.
enum class Lie : uint8_t { Spread, Steps, Equal, Unmeasured, FarApart };
constexpr Lie kLies[] = {Lie::Spread, Lie::Steps, Lie::Equal, Lie::Unmeasured, Lie::FarApart};

std::vector<float> distancesOf(Lie lie, size_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> any(-2, 2);
  std::vector<float> distances(count);
  for (float& distance : distances) {
    const bool isOdd = random() % 16 == 0;
    distance = lie == Lie::Equal ? 1 : lie == Lie::Steps ? float(random() % 5) : any(random);
    if (lie == Lie::Unmeasured && isOdd) distance = NAN;
    if (lie == Lie::FarApart && isOdd) distance = random() % 2 == 0 ? FLT_MAX : 1e30f;
  }
  return distances;
}

// Sorted, without NaN.
std::vector<Neighbor> sorted(const std::vector<float>& distances) {
  std::vector<Neighbor> all;
  for (size_t at = 0; at < distances.size(); at++)
    if (!std::isnan(distances[at])) all.push_back({distances[at], uint32_t(3 * at)});
  std::sort(all.begin(), all.end(), isNearer);
  return all;
}

void checkFirst(const std::vector<Neighbor>& seen, const std::vector<Neighbor>& expected,
                size_t count) {
  REQUIRE(seen.size() >= count);
  for (size_t at = 0; at < count; at++) {
    CHECK_EQUAL(seen[at].vertex, expected[at].vertex);
    CHECK_EQUAL(seen[at].distance, expected[at].distance);
  }
}

template <typename Check> void forEachLie(const Check& check) {
  std::mt19937 random(17);
  for (const Lie lie : kLies)
    for (const size_t count : {0, 1, 5, 31, 32, 33, 55, 64, 65, 341, 1000, 4099})
      for (const size_t k : {1, 2, 10, 16, 17, 100, 1500})
        check(lie, distancesOf(lie, count, random), k);
}

} // namespace

SOLO_TEST("selected neighbours are the first of a sort") {
  size_t selected = 0;
  forEachLie([&](Lie lie, const std::vector<float>& distances, size_t k) {
    std::vector<uint32_t> vertices;
    for (uint32_t at = 0; at < distances.size(); at++) vertices.push_back(3 * at);
    std::vector<Neighbor> nearest;
    const bool isSelected =
        selectNearest(distances.data(), vertices.data(), distances.size(), k, nearest);
    // In this case selection must succeed.
    if (lie == Lie::Spread && (k <= 10 || distances.size() <= 64)) CHECK(isSelected);
    if (!isSelected) return;
    selected++;
    const std::vector<Neighbor> expected = sorted(distances);
    CHECK_EQUAL(nearest.size(), std::min(k, expected.size()));
    checkFirst(nearest, expected, nearest.size());
  });
  CHECK(selected > 100);
}

SOLO_TEST("a bound covers the requested number of distances and not many more") {
  forEachLie([&](Lie lie, const std::vector<float>& distances, size_t k) {
    const auto numbers = size_t(std::count_if(distances.begin(), distances.end(),
                                              [](float each) { return !std::isnan(each); }));
    if (numbers < k) return;
    const float bound = boundWithin(distances.data(), distances.size(), k);
    const size_t within = countWithin(bound, distances.data(), distances.size());
    CHECK(within >= k);
    if (lie == Lie::Spread && k >= 10) CHECK(within <= k + k / 4);
  });
}

SOLO_TEST("ordering by ranks gives the order of a sort") {
  std::mt19937 random(23);
  forEachLie([&](Lie lie, const std::vector<float>& distances, size_t k) {
    if (lie == Lie::Unmeasured) return;
    std::vector<Neighbor> expected = sorted(distances);
    std::vector<Neighbor> seen = expected;
    std::shuffle(seen.begin(), seen.end(), random);
    sortNearest(seen.data(), seen.size());
    checkFirst(seen, expected, expected.size());
    if (distances.size() < k) return;
    std::vector<float> least = distances;
    CHECK_EQUAL(keepLeast(least, k), expected[k - 1].distance);
    CHECK_EQUAL(least.back(), expected[k - 1].distance);
    std::sort(least.begin(), least.end());
    REQUIRE(least.size() == k);
    for (size_t at = 0; at < k; at++) CHECK_EQUAL(least[at], expected[at].distance);
  });
}

SOLO_TEST("a shortlist keeps the first of a sort, for blocks of any size") {
  std::mt19937 random(11);
  forEachLie([&](Lie, const std::vector<float>& distances, size_t k) {
    const auto isAccepted = [](uint32_t vertex) { return vertex % 7 != 3; };
    std::vector<Neighbor> expected = sorted(distances);
    std::erase_if(expected, [&](const Neighbor& each) { return !isAccepted(each.vertex); });
    Shortlist list(k);
    Shortlist unordered(k, distances.size());
    for (size_t from = 0; from < distances.size();) {
      const size_t count = std::min<size_t>(1 + random() % 1000, distances.size() - from);
      const auto vertexAt = [&](size_t at) { return uint32_t(3 * (from + at)); };
      for (Shortlist* const each : {&list, &unordered})
        each->offerAll(distances.data() + from, count, vertexAt, isAccepted);
      from += count;
    }
    const size_t kept = std::min(k, expected.size());
    const std::vector<Neighbor> all = list.takeSorted();
    CHECK_EQUAL(all.size(), kept);
    checkFirst(all, expected, kept);
    std::vector<Neighbor> gradual;
    for (size_t asked = 1; gradual.size() < kept; asked = 1 + random() % 50) {
      const size_t before = gradual.size();
      unordered.moveNearest(asked, gradual);
      REQUIRE(gradual.size() >= std::min(before + asked, kept));
    }
    checkFirst(gradual, expected, kept);
  });
}

SOLO_TEST("selecting zero gives none, and selecting more than there are gives all") {
  std::mt19937 random(5);
  std::vector<uint32_t> vertices;
  for (uint32_t at = 0; at < 1000; at++) vertices.push_back(at);
  for (const size_t count : {0, 9, 64, 65, 1000}) {
    const std::vector<float> distances = distancesOf(Lie::Spread, count, random);
    std::vector<Neighbor> nearest{{1, 1}};
    CHECK(selectNearest(distances.data(), vertices.data(), count, 0, nearest));
    CHECK(nearest.empty());
    Shortlist list(count);
    list.offerAll(
        distances.data(), count, [](size_t at) { return uint32_t(3 * at); }, AcceptAll{});
    // Moves the list, as a resumed scan does.
    Shortlist moved = std::move(list);
    std::vector<Neighbor> all;
    moved.moveNearest(count + 1000, all);
    CHECK_EQUAL(all.size(), count);
    checkFirst(all, sorted(distances), count);
  }
}

SOLO_TEST("a shortlist of size zero keeps none") {
  Shortlist list(0);
  const float distance = 1;
  list.offerAll(
      &distance, 1, [](size_t) { return 0u; }, AcceptAll{});
  CHECK(list.takeSorted().empty());
}
