// Positions as cells of a grid over the earth. Cell numbers interleave the bits of longitude and
// latitude, so nearby cells mostly have nearby numbers. A geographic index is a sorted list of cell
// numbers; an area is a few runs of them.
#pragma once

#include <cstdint>
#include <vector>

#include "filter/geo_area.hpp"

namespace vicinal {

// The grid has 2^31 by 2^31 cells: two centimetres at the equator.
int64_t cellOf(GeoPoint point);

struct CellRun {
  // Both ends are included.
  int64_t first = 0;
  int64_t last = 0;
  // True if every position in the run is in the area; otherwise each position must be checked.
  bool isInside = false;
};

// All cells that may contain positions of the area, as disjoint ascending runs.
std::vector<CellRun> cellsOf(const GeoArea& area);

} // namespace vicinal
