// Positions as cells of a grid over the earth, numbered so that cells near each other have numbers
// near each other (by interleaving the bits of longitude and latitude). A geographic index is a
// sorted list of such numbers, and an area some runs of it.
#pragma once

#include <cstdint>
#include <vector>

#include "filter/geo_area.hpp"

namespace vicinal {

// A grid of 2^31 by 2^31: cells of two centimetres at the equator.
int64_t cellOf(GeoPoint point);

struct CellRun {
  // Both included.
  int64_t first = 0;
  int64_t last = 0;
  // Whether every position in it is in the area. The others are to be looked at.
  bool isInside = false;
};

// Runs, disjoint and ascending, of all cells in which the area may have a position.
std::vector<CellRun> cellsOf(const GeoArea& area);

} // namespace vicinal
