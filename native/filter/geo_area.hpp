// Areas of the earth for geographic conditions, in degrees. The rules are Qdrant's. Borders are
// outside. A circle's radius is measured along the great circle. Polygon edges are straight in
// longitude and latitude. Every point that a ring winds around is inside it, even if the ring
// crosses itself.
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

// Reads a position from a payload object with `lon` and `lat`.
std::optional<GeoPoint> geoPointOf(JsonValue value);

// Distance along the great circle.
double distanceMetres(GeoPoint a, GeoPoint b);

// Spans west to east; it crosses the antimeridian if `west` is greater than `east`.
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
  // For a box, the area itself; for the other shapes, a bounding box (borders included).
  GeoBox box;
  // Used by circles.
  GeoPoint center;
  double radiusMetres = 0;
  // Used by polygons: the exterior, then the holes.
  std::vector<Ring> rings;

  static GeoArea ofBox(GeoBox box);
  static GeoArea ofCircle(GeoPoint center, double radiusMetres);
  // `rings` has at least one ring, and each ring at least one point.
  static GeoArea ofPolygon(std::vector<Ring> rings);

  // Number of points in all rings.
  size_t points() const;
  bool contains(GeoPoint point) const;
  bool operator==(const GeoArea&) const = default;
};

} // namespace vicinal
