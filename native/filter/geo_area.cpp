#include "filter/geo_area.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace vicinal {

namespace {

constexpr double kEarthRadiusMetres = 6371008.8;
// Margin of a circle's box, so that rounding leaves no part of the circle outside.
constexpr double kSlackDegrees = 1e-6;

enum class Side { Outside, Border, Inside };

double radians(double degrees) { return degrees * (std::numbers::pi / 180); }
double degrees(double radians) { return radians * (180 / std::numbers::pi); }

bool isBetween(double value, double a, double b) {
  return value >= std::min(a, b) && value <= std::max(a, b);
}

// Positive if `point` is left of the line from `a` to `b`.
double turn(GeoPoint a, GeoPoint b, GeoPoint point) {
  return (b.lon - a.lon) * (point.lat - a.lat) - (b.lat - a.lat) * (point.lon - a.lon);
}

// Uses the ring's winding number around the point. An edge includes its lower end, not its upper
// end.
Side sideOf(const GeoArea::Ring& ring, GeoPoint point) {
  int winding = 0;
  for (size_t at = 0; at + 1 < ring.size(); at++) {
    const GeoPoint from = ring[at], to = ring[at + 1];
    const bool isUpward = from.lat <= point.lat;
    if (isUpward ? to.lat < point.lat : to.lat > point.lat) continue;
    const double side = turn(from, to, point);
    if (side == 0 && isBetween(point.lon, from.lon, to.lon)) return Side::Border;
    if (isUpward && side > 0 && to.lat != point.lat) winding++;
    if (!isUpward && side < 0) winding--;
  }
  return winding == 0 ? Side::Outside : Side::Inside;
}

bool isBetweenMeridians(const GeoBox& box, double lon) {
  if (box.west > box.east) return lon > box.west || lon < box.east;
  return lon > box.west && lon < box.east;
}

// Whether a point is outside the box and its borders, so that it can be skipped.
bool isOutside(const GeoBox& box, GeoPoint point) {
  if (point.lat < box.south || point.lat > box.north) return true;
  if (box.west > box.east) return point.lon < box.west && point.lon > box.east;
  return point.lon < box.west || point.lon > box.east;
}

GeoBox boxAround(GeoPoint center, double radiusMetres) {
  const double angle = radiusMetres / kEarthRadiusMetres;
  GeoBox box;
  box.south = center.lat - degrees(angle) - kSlackDegrees;
  box.north = center.lat + degrees(angle) + kSlackDegrees;
  // If the circle contains a pole or spans half of the earth, it meets every meridian.
  const double ratio = std::sin(angle) / std::cos(radians(center.lat));
  const bool hasPole = box.south <= -90 || box.north >= 90;
  if (!hasPole && angle < std::numbers::pi / 2 && ratio < 1) {
    const double reach = degrees(std::asin(ratio)) + kSlackDegrees;
    box.west = center.lon - reach;
    box.east = center.lon + reach;
    if (box.west < -180) box.west += 360;
    if (box.east > 180) box.east -= 360;
  }
  box.south = std::max(box.south, -90.0);
  box.north = std::min(box.north, 90.0);
  return box;
}

} // namespace

std::optional<GeoPoint> geoPointOf(JsonValue value) {
  if (value.kind() != JsonKind::Object) return std::nullopt;
  std::optional<double> lon, lat;
  bool hasLon = false, hasLat = false;
  value.visitMembers([&](std::string_view key, JsonValue member) {
    if (!hasLon && isSameKey(key, "lon")) {
      hasLon = true;
      lon = member.number();
    } else if (!hasLat && isSameKey(key, "lat")) {
      hasLat = true;
      lat = member.number();
    }
    return hasLon && hasLat;
  });
  if (!lon || !lat) return std::nullopt;
  const GeoPoint point{*lon, *lat};
  return point.isOnEarth() ? std::optional(point) : std::nullopt;
}

double distanceMetres(GeoPoint a, GeoPoint b) {
  const double halfLat = std::sin(radians(b.lat - a.lat) / 2);
  const double halfLon = std::sin(radians(b.lon - a.lon) / 2);
  const double h =
      halfLat * halfLat + std::cos(radians(a.lat)) * std::cos(radians(b.lat)) * halfLon * halfLon;
  return 2 * kEarthRadiusMetres * std::asin(std::min(1.0, std::sqrt(h)));
}

GeoArea GeoArea::ofBox(GeoBox box) {
  GeoArea area;
  area.box = box;
  return area;
}

GeoArea GeoArea::ofCircle(GeoPoint center, double radiusMetres) {
  GeoArea area;
  area.shape = Shape::Circle;
  area.box = boxAround(center, radiusMetres);
  area.center = center;
  area.radiusMetres = radiusMetres;
  return area;
}

GeoArea GeoArea::ofPolygon(std::vector<Ring> rings) {
  GeoArea area;
  area.shape = Shape::Polygon;
  area.box = {180, -90, -180, 90};
  for (const GeoPoint point : rings.front()) {
    area.box.west = std::min(area.box.west, point.lon);
    area.box.east = std::max(area.box.east, point.lon);
    area.box.south = std::min(area.box.south, point.lat);
    area.box.north = std::max(area.box.north, point.lat);
  }
  area.rings = std::move(rings);
  return area;
}

size_t GeoArea::points() const {
  size_t points = 0;
  for (const Ring& ring : rings) points += ring.size();
  return points;
}

bool GeoArea::contains(GeoPoint point) const {
  switch (shape) {
  case Shape::Box:
    return point.lat > box.south && point.lat < box.north && isBetweenMeridians(box, point.lon);
  case Shape::Circle: return !isOutside(box, point) && distanceMetres(center, point) < radiusMetres;
  case Shape::Polygon: break;
  }
  if (isOutside(box, point) || sideOf(rings.front(), point) != Side::Inside) return false;
  return std::all_of(rings.begin() + 1, rings.end(),
                     [&](const Ring& hole) { return sideOf(hole, point) == Side::Outside; });
}

} // namespace vicinal
