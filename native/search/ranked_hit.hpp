// A row that a search has chosen.
#pragma once

#include "segment/snapshot.hpp"

namespace vicinal {

struct RankedHit {
  // The score as callers see it.
  float score = 0;
  RowRef row;
  PointId id;
};

} // namespace vicinal
