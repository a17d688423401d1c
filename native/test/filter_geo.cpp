// Geographic areas, and slices of ids.
#include <cmath>

#include "filter/geo_area.hpp"
#include "filter/id_slice.hpp"
#include "test/filter_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

SOLO_TEST("geographic distances follow the great circle") {
  const GeoPoint berlin{13.413637435864272, 52.52197645}, moscow{37.62137960067377, 55.7536283};
  // Maps say 1,610 km.
  CHECK(std::abs(distanceMetres(berlin, moscow) - 1.61e6) < 1e4);
  CHECK(distanceMetres(berlin, berlin) == 0);
  // Half around the earth, over the pole, and over the antimeridian.
  CHECK(std::abs(distanceMetres({0, 0}, {180, 0}) - 20015114) < 10);
  CHECK(std::abs(distanceMetres({0, 90}, {123, -90}) - 20015114) < 10);
  CHECK(std::abs(distanceMetres({179.9, 0}, {-179.9, 0}) - 22239) < 10);
}

SOLO_TEST("a box excludes its border and may cross the antimeridian") {
  const GeoArea box = GeoArea::ofBox({10, 20, 30, 5});
  CHECK(box.contains({20, 10}) && !box.contains({10, 10}) && !box.contains({20, 20}));
  CHECK(!box.contains({20, 4.9}) && !box.contains({-20, 10}));
  const GeoArea crossing = GeoArea::ofBox({170, 20, -170, 5});
  CHECK(crossing.contains({175, 10}) && crossing.contains({-175, 10}) &&
        crossing.contains({180, 10}));
  CHECK(!crossing.contains({170, 10}) && !crossing.contains({0, 10}));
  CHECK(!GeoArea::ofBox({10, 5, 30, 20}).contains({20, 10}));
}

SOLO_TEST("the box around a circle contains the whole circle") {
  RandomFilters random(testSeed() + 11);
  int inside = 0;
  for (int round = 0; round < 20000; round++) {
    const auto degrees = [&](double most) {
      return (static_cast<double>(random.below(20001)) / 10000 - 1) * most;
    };
    const GeoPoint center{degrees(180), degrees(90)};
    const double radius = std::pow(10, 3 + static_cast<double>(random.below(45)) / 10);
    const GeoArea circle = GeoArea::ofCircle(center, radius);
    for (int at = 0; at < 5; at++) {
      // Half of the points are near the border.
      GeoPoint point{degrees(180), degrees(90)};
      if (at % 2 == 0) {
        const double away = radius / 111195.0;
        point = {center.lon + degrees(away * 1.5), center.lat + degrees(away * 1.2)};
        if (!point.isOnEarth()) continue;
      }
      const bool isNear = distanceMetres(center, point) < radius;
      inside += isNear ? 1 : 0;
      CHECK(circle.contains(point) == isNear);
    }
  }
  CHECK(inside > 1000);
}

SOLO_TEST("polygons have holes, and every point that a ring winds around is inside") {
  const GeoArea::Ring square = {{0, 0}, {10, 0}, {10, 10}, {0, 10}, {0, 0}};
  const GeoArea::Ring hole = {{4, 4}, {6, 4}, {6, 6}, {4, 6}, {4, 4}};
  const GeoArea polygon = GeoArea::ofPolygon({square, hole});
  CHECK(polygon.contains({1, 1}) && polygon.contains({9, 5}) && !polygon.contains({5, 5}));
  CHECK(!polygon.contains({11, 5}) && !polygon.contains({-1, 5}) && !polygon.contains({5, 11}));
  // Points on borders, including the hole's border.
  CHECK(!polygon.contains({0, 5}) && !polygon.contains({5, 10}) && !polygon.contains({4, 5}));
  CHECK(!polygon.contains({0, 0}) && !polygon.contains({6, 6}));
  // The reversed ring is the same area.
  const GeoArea::Ring reversed(square.rbegin(), square.rend());
  CHECK(GeoArea::ofPolygon({reversed}).contains({5, 5}));
  // A bow tie has two insides; the middle of a star is wound around twice.
  const GeoArea tie = GeoArea::ofPolygon({{{0, 0}, {10, 10}, {10, 0}, {0, 10}, {0, 0}}});
  CHECK(tie.contains({2, 5}) && tie.contains({8, 5}) && !tie.contains({5, 2}) &&
        !tie.contains({5, 8}));
  const GeoArea star = GeoArea::ofPolygon({{{0, 3}, {10, 3}, {1, -3}, {5, 7}, {9, -3}, {0, 3}}});
  CHECK(star.contains({5, 1}) && !star.contains({5, -2.5}));
  // Points on a line have no inside.
  CHECK(!GeoArea::ofPolygon({{{0, 0}, {5, 5}, {9, 9}, {0, 0}}}).contains({5, 5}));
}

SOLO_TEST("slices are disjoint and hold every id") {
  uint32_t counts[7] = {};
  for (uint32_t number = 0; number < 7000; number++) {
    const IdWords id = number % 2 == 0 ? IdWords{0, number, 0, 0, 0} : IdWords{1, 7, number, 0, 1};
    uint32_t holders = 0;
    for (uint32_t index = 0; index < 7; index++) {
      if (!IdSlice{7, index}.contains(id)) continue;
      holders++;
      counts[index]++;
    }
    CHECK_EQUAL(holders, 1u);
  }
  for (const uint32_t count : counts) CHECK(count > 900 && count < 1100);
  // The bytes 00 01 02 ... of a UUID differ from those of two numbers.
  CHECK(sliceHash({1, 0x00010203, 0x04050607, 0x08090a0b, 0x0c0d0e0f}) !=
        sliceHash({1, 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c}));
}
