// The report of how and why one segment was searched, for callers who ask for it.
#pragma once

#include <cstdint>

#include "quantize/code_kind.hpp"

namespace vicinal {

struct SegmentReport {
  uint32_t segment = 0;
  uint32_t points = 0;
  // Vertices of the graph, and vertices of the tail, which were scanned.
  uint32_t linked = 0;
  uint32_t tail = 0;
  const char* strategy = "nothing matches";
  // Why there was no walk; empty if one was planned.
  const char* whyNoWalk = "";
  // The codes that led the walk or were scanned.
  CodeKind codes = CodeKind::None;
  // Effort of the walk; 0 if none was made. `reach` is 0 if only the beam's width stops the walk.
  uint32_t width = 0;
  float reach = 0;
  // Planned distances; with a filter also the estimated costs of both ways.
  double plannedDistances = 0;
  double walkCost = 0;
  double scanCost = 0;
  // The promised recall; 0 if the request named a width.
  double recall = 0;

  // The outcome; `matches` is an estimate.
  uint64_t matches = 0;
  // The exact number, if the request has a filter (countMatches).
  uint64_t trueMatches = 0;
  uint64_t visited = 0;
  uint64_t distances = 0;
  uint64_t rescored = 0;
  uint64_t bytes = 0;
  // Bytes of payloads that conditions were evaluated on.
  uint64_t payloadBytes = 0;
  double tookUs = 0;
  // The part of it that rescored candidates.
  double rescoreUs = 0;
};

} // namespace vicinal
