#include "filter/geo_cells.hpp"

#include <algorithm>
#include <deque>

namespace vicinal {

namespace {

constexpr int kBits = 31;
// More runs approximate the area better, but each costs two binary searches.
constexpr size_t kMostCells = 96;

uint32_t columnOf(double degrees, double most) {
  const double share = (degrees + most) / (2 * most);
  const auto column = static_cast<int64_t>(share * (int64_t(1) << kBits));
  return static_cast<uint32_t>(std::clamp<int64_t>(column, 0, (int64_t(1) << kBits) - 1));
}

uint64_t spread(uint32_t bits) {
  uint64_t word = bits;
  word = (word | word << 16) & 0x0000ffff0000ffff;
  word = (word | word << 8) & 0x00ff00ff00ff00ff;
  word = (word | word << 4) & 0x0f0f0f0f0f0f0f0f;
  word = (word | word << 2) & 0x3333333333333333;
  return (word | word << 1) & 0x5555555555555555;
}

struct GridBox {
  uint32_t west, east, south, north;
};

// A square of 2^size by 2^size cells.
struct Square {
  uint32_t x, y;
  int size;

  uint32_t side() const { return static_cast<uint32_t>((uint64_t(1) << size) - 1); }
  bool meets(const GridBox& box) const {
    return x <= box.east && x + side() >= box.west && y <= box.north && y + side() >= box.south;
  }
  // A margin of one cell keeps borders out of the square.
  bool isWithin(const GridBox& box) const {
    return x > box.west && x + side() < box.east && y > box.south && y + side() < box.north;
  }
  CellRun run(bool isInside) const {
    const uint64_t first = spread(x) << 1 | spread(y);
    const uint64_t cells = uint64_t(1) << (2 * size);
    return {static_cast<int64_t>(first), static_cast<int64_t>(first + cells - 1), isInside};
  }
};

// Splits squares, largest first, until there are kMostCells or a square is a single cell.
void cover(const GridBox& box, bool isExact, std::vector<CellRun>& into) {
  std::deque<Square> open = {{0, 0, kBits}};
  size_t closed = 0;
  while (!open.empty()) {
    const Square square = open.front();
    open.pop_front();
    if (!square.meets(box)) continue;
    const bool isWithin = square.isWithin(box);
    if (isWithin || square.size == 0 || open.size() + closed >= kMostCells) {
      into.push_back(square.run(isWithin && isExact));
      closed++;
      continue;
    }
    const uint32_t half = uint32_t(1) << (square.size - 1);
    for (uint32_t quarter = 0; quarter < 4; quarter++)
      open.push_back(
          {square.x + (quarter & 1) * half, square.y + (quarter >> 1) * half, square.size - 1});
  }
}

} // namespace

int64_t cellOf(GeoPoint point) {
  return static_cast<int64_t>(spread(columnOf(point.lon, 180)) << 1 |
                              spread(columnOf(point.lat, 90)));
}

std::vector<CellRun> cellsOf(const GeoArea& area) {
  const GeoBox& box = area.box;
  std::vector<CellRun> runs;
  if (box.south > box.north) return runs;
  const bool isExact = area.shape == GeoArea::Shape::Box;
  const uint32_t south = columnOf(box.south, 90), north = columnOf(box.north, 90);
  const uint32_t west = columnOf(box.west, 180), east = columnOf(box.east, 180);
  if (box.west <= box.east) {
    cover({west, east, south, north}, isExact, runs);
  } else {
    cover({west, columnOf(180, 180), south, north}, isExact, runs);
    cover({0, east, south, north}, isExact, runs);
  }
  std::sort(runs.begin(), runs.end(),
            [](const CellRun& a, const CellRun& b) { return a.first < b.first; });
  // Joins adjacent runs of the same kind. Two overlapping runs become one, which is inside only if
  // both were.
  std::vector<CellRun> joined;
  for (const CellRun& run : runs) {
    if (joined.empty() || run.first > joined.back().last + 1 ||
        (run.first > joined.back().last && run.isInside != joined.back().isInside)) {
      joined.push_back(run);
      continue;
    }
    joined.back().isInside = joined.back().isInside && run.isInside;
    joined.back().last = std::max(joined.back().last, run.last);
  }
  return joined;
}

} // namespace vicinal
