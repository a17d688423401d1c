// Compares the beam of a search with a list that is sorted after every candidate.
#include <cmath>
#include <random>

#include "graph/beam.hpp"
#include "harness.hpp"

using namespace vicinal;

namespace {

// Offers candidates in batches, as hops do, with equal distances among them. The whole beam is
// compared only after some batches, because reading it merges the late candidates. With `nears`,
// each batch is nearer than all before it.
void compare(unsigned seed, size_t width, size_t batches, size_t most, uint32_t steps,
             bool nears = false) {
  constexpr unsigned kBetweenLooks = 7;
  std::mt19937 random(seed);
  Beam beam;
  beam.start(width);
  std::vector<Neighbor> expected;
  std::vector<bool> isExpanded;
  uint32_t vertex = 0;
  const auto isNear = [](const Neighbor& a, const Neighbor& b) { return a.distance < b.distance; };
  for (size_t batch = 0; batch < batches; batch++) {
    std::vector<float> distances;
    std::vector<uint32_t> vertices;
    for (size_t at = random() % (most + 1); at > 0; at--) {
      distances.push_back(float(random() % steps) - (nears ? float(batch) * float(steps) : 0));
      vertices.push_back(vertex++);
      expected.push_back({distances.back(), vertices.back()});
    }
    std::stable_sort(expected.begin(), expected.end(), isNear);
    if (expected.size() > width)
      expected.erase(expected.begin() + ptrdiff_t(width), expected.end());
    isExpanded.resize(vertex);
    bool isTold = false;
    beam.keep(distances.data(), vertices.data(), distances.size(), [&](uint32_t next, bool isNew) {
      const auto nearest =
          std::find_if(expected.begin(), expected.end(),
                       [&](const Neighbor& each) { return !isExpanded[each.vertex]; });
      REQUIRE(nearest != expected.end());
      CHECK_EQUAL(next, nearest->vertex);
      CHECK_EQUAL(isNew, next >= vertex - distances.size());
      isTold = true;
    });
    CHECK_EQUAL(beam.size(), expected.size());
    CHECK(beam.bound() == (expected.size() < width ? INFINITY : expected.back().distance));
    if (random() % kBetweenLooks == 0 || batch + 1 == batches) {
      std::vector<Neighbor> found;
      beam.inOrder().appendTo(found);
      REQUIRE(found.size() == expected.size());
      for (size_t at = 0; at < expected.size(); at++) {
        CHECK(found[at].distance == expected[at].distance);
        CHECK_EQUAL(found[at].vertex, expected[at].vertex);
      }
    }
    const auto next = std::find_if(expected.begin(), expected.end(),
                                   [&](const Neighbor& each) { return !isExpanded[each.vertex]; });
    REQUIRE(beam.hasNext() == (next != expected.end()));
    CHECK_EQUAL(isTold, beam.hasNext());
    if (!beam.hasNext()) continue;
    isExpanded[next->vertex] = true;
    CHECK_EQUAL(beam.takeNext(), next->vertex);
  }
}

} // namespace

SOLO_TEST("a beam of any width keeps the nearest in order, for batches of any size") {
  for (unsigned seed = 0; seed < 20; seed++) {
    compare(seed, 1, 30, 5, 50);
    compare(seed, 7, 60, 40, 1000);
    compare(seed, 64, 80, 33, 300);
    compare(seed, 1024, 200, 40, 100'000);
    compare(seed, 2000, 300, 60, 100'000);
    compare(seed, 2500, 300, 60, 300);
    compare(seed, 1024, 12, 2100, 100'000, true);
    compare(seed, 1500, 200, 130, 100'000, true);
  }
}

SOLO_TEST(
    "the stop rule bounds a beam by the last wanted neighbour, and farther ones are not expanded") {
  Beam beam;
  beam.start(100, {2, 1.5f, 0});
  const float distances[] = {4, 1, 2, 2.9f, 3.1f};
  const uint32_t vertices[] = {0, 1, 2, 3, 4};
  beam.keep(distances, vertices, 5, [](uint32_t, bool) {});
  CHECK(beam.bound() == 3);
  for (const uint32_t vertex : {1u, 2u, 3u}) {
    REQUIRE(beam.hasNext());
    CHECK_EQUAL(beam.takeNext(), vertex);
  }
  CHECK(!beam.hasNext());
}

SOLO_TEST(
    "the stop rule bounds a wide beam too, whether the last wanted neighbour is settled or late") {
  for (unsigned seed = 0; seed < 20; seed++) {
    std::mt19937 random(seed);
    // For late candidates, no settled one may be the last wanted one.
    const size_t wanted = seed % 2 == 0 ? 1 + random() % 30 : 900 + random() % 400;
    const Stop stop{wanted, 1.5f, 1};
    Beam beam;
    beam.start(4000, stop);
    std::vector<float> all;
    float bound = INFINITY;
    // From far to near, so that late candidates are among the wanted ones.
    for (uint32_t batch = 0; batch < 200; batch++) {
      std::vector<float> distances;
      std::vector<uint32_t> vertices;
      for (uint32_t at = 0; at < 20; at++) {
        distances.push_back(float(random() % 100'000) * 1e-5f * (1 - float(batch) / 1000));
        vertices.push_back(batch * 20 + at);
        if (distances.back() < bound) all.push_back(distances.back());
      }
      beam.keep(distances.data(), vertices.data(), 20, [](uint32_t, bool) {});
      std::sort(all.begin(), all.end());
      if (all.size() >= wanted) bound = std::min(bound, stop.boundAt(all[wanted - 1]));
      CHECK(beam.bound() == bound);
    }
    CHECK(beam.size() > 1024);
  }
}
