// Areas of the earth that geographic conditions ask about, in degrees. What is inside is what
// Qdrant says: borders are outside, a circle is measured along the great circle, edges of a polygon
// are straight in longitude and latitude, and what a ring winds around is inside it even where the
// ring crosses itself.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "filter/json_walk.hpp"

namespace vicinal {

struct GeoPoint {
  double lon = 0;
  double lat = 0;

  bool isOnEarth() const { return lon >= -180 && lon <= 180 && lat >= -90 && lat <= 90; }
  bool operator==(const GeoPoint&) const = default;
};

// The position that a payload's object with `lon` and `lat` names.
std::optional<GeoPoint> geoPointOf(JsonValue value);

// Along the great circle.
double distanceMetres(GeoPoint a, GeoPoint b);

// West to east; where `west` is above `east` it crosses the antimeridian.
struct GeoBox {
  double west = -180;
  double north = 90;
  double east = 180;
  double south = -90;

  bool operator==(const GeoBox&) const = default;
};

struct GeoArea {
  enum class Shape : uint8_t { Box, Circle, Polygon };
  using Ring = std::vector<GeoPoint>;

  Shape shape = Shape::Box;
  // A box is this; the others lie within it, borders included.
  GeoBox box;
  // A circle's.
  GeoPoint center;
  double radiusMetres = 0;
  // A polygon's: the exterior, then the holes.
  std::vector<Ring> rings;

  static GeoArea ofBox(GeoBox box);
  static GeoArea ofCircle(GeoPoint center, double radiusMetres);
  // `rings` has at least one, and each at least one point.
  static GeoArea ofPolygon(std::vector<Ring> rings);

  // Of all rings.
  size_t points() const;
  bool contains(GeoPoint point) const;
  bool operator==(const GeoArea&) const = default;
};

} // namespace vicinal
