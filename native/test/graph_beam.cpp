// The beam of a search beside a list that is sorted after every candidate.
#include <random>

#include "graph/scratch.hpp"
#include "harness.hpp"

using namespace vicinal;

namespace {

// Candidates in batches, as hops bring them, with equal distances among them.
void compare(unsigned seed, size_t width, size_t batches, size_t most, uint32_t steps) {
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
      distances.push_back(float(random() % steps));
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
    for (size_t at = 0; at < expected.size(); at++) {
      CHECK(beam.at(at).distance == expected[at].distance);
      CHECK_EQUAL(beam.at(at).vertex, expected[at].vertex);
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

SOLO_TEST("a beam keeps the nearest in order, however wide it is and however many come at once") {
  for (unsigned seed = 0; seed < 20; seed++) {
    compare(seed, 1, 30, 5, 50);
    compare(seed, 7, 60, 40, 1000);
    compare(seed, 64, 80, 33, 300);
    compare(seed, 2000, 60, 100, 100'000);
  }
}

SOLO_TEST("a stop bounds a beam by the last one wanted, and what lies beyond is not expanded") {
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
