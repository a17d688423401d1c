// What distances by leading halves (datatype.hpp) say of exact ones.
//
// A component and its leading half differ by at most 2^-8 of it, so a row and the row of its
// leading halves are at most that share of the row's length apart. So much differ their lengths and
// their distances to a query, and so much times the query's length their products with it (Cauchy
// and Schwarz). Sums of floats differ by what rounding does besides.
#pragma once

#include "distance/kernels.hpp"

namespace vicinal {

class LeadingReach {
public:
  // For rows that are split and, under Cosine, of unit length or zero, as cleaning makes them.
  LeadingReach(const Space& space, const float* query);

  // Where enough rows are within `distance` by their leading halves, none of those beyond this one
  // is among the nearest: each is farther than all of the former, exactly. Never decreases with
  // `distance`, and is never less.
  float of(float distance) const;

private:
  Metric metric_;
  double queryLength_;
  double rounding_;
};

} // namespace vicinal
