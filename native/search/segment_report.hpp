// How one segment was searched, and why so: what a caller who asks for it is told.
#pragma once

#include <cstdint>

#include "quantize/code_kind.hpp"

namespace vicinal {

struct SegmentReport {
  uint32_t segment = 0;
  uint32_t points = 0;
  // Vertices of the graph, and those behind it that were scanned.
  uint32_t linked = 0;
  uint32_t tail = 0;
  const char* strategy = "nothing matches";
  // Why there was no walk; empty where one was planned.
  const char* whyNoWalk = "";
  // Those that led, or were scanned.
  CodeKind codes = CodeKind::None;
  // Of the walk that was made; 0 where none was. `reach` is 0 where the width alone stops.
  uint32_t width = 0;
  float reach = 0;
  // What it was expected to compute, and with a filter, what both ways were.
  double plannedDistances = 0;
  double walkCost = 0;
  double scanCost = 0;
  // That is promised of what was done; 0 where the request named a width instead.
  double recall = 0;

  // What came of it; matches are about so many.
  uint64_t matches = 0;
  // Counted, where the request has a filter (countMatches).
  uint64_t trueMatches = 0;
  uint64_t visited = 0;
  uint64_t distances = 0;
  uint64_t rescored = 0;
  uint64_t bytes = 0;
  // Of payloads that conditions were asked of.
  uint64_t payloadBytes = 0;
  double tookUs = 0;
};

} // namespace vicinal
