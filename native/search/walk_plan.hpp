// How a request goes about one space: a walk through its graph, or a scan.
#pragma once

#include <optional>

#include "search/search.hpp"
#include "segment/vector_space.hpp"

namespace vicinal {

struct WalkPlan {
  SearchOptions options;
  // What of the nearest by code is scored exactly.
  Rescoring rescoring;
  // That it will compute without a filter, about.
  double distances = 0;
  // That the median one computes of walks like it, and with which it ends; 0 where nobody knows.
  double typical = 0;
  double most = 0;
  // The recall that can be promised; 0 where the request names a width instead.
  float recall = 0;
};

// The walk for `wanted` neighbours among the first `linked` vertices. Nothing where a scan is what
// was asked for, is all that keeps the recall asked for, or is cheaper. The walk may lose
// `lossShare` of the loss that the request allows: dead vertices take places in a beam, and the
// calibration counts them as live.
std::optional<WalkPlan> planWalk(const VectorSpace& space, const SearchRequest& request,
                                 size_t wanted, uint32_t linked, float lossShare = 1);

// The same where the query is far from all that there is, which the calibration knows little of: as
// if of what may be lost so little might be.
constexpr float kLossWhereFar = 0.1f;
std::optional<WalkPlan> planWalkFrom(const VectorSpace& space, const SearchRequest& request,
                                     size_t wanted, uint32_t linked, float lossShare);

// The same for neighbours of one vector, where the request's query is several or there are
// examples.
std::optional<WalkPlan> planWalkToOne(const VectorSpace& space, const SearchRequest& request,
                                      size_t wanted, uint32_t linked);

// The same among the matches of a filter, which are this share of the vertices (a walk by way of
// them alone). Its distances are worth as many of a walk without a filter. Nothing where they are
// too few to hang together.
std::optional<WalkPlan> planAcceptedWalk(const VectorSpace& space, const SearchRequest& request,
                                         size_t wanted, double share);

// Why the first is nothing: "exact" or "all" were asked for, there is "no graph" or an "empty" one,
// no walk promises the "recall", or a scan "costs less".
const char* whyNoWalk(const VectorSpace& space, const SearchRequest& request, uint32_t linked);

// The same of matches of a filter, which may be far from the query: more of them lie side by side
// there, so more deviations are no doubt yet.
Rescoring amongMatches(Rescoring rescoring);

// A scan of codes: what of the nearest is scored exactly, and the recall that can be promised.
struct ScanPlan {
  Rescoring rescoring;
  float recall = 0;
};

// Of a scan, for each vertex: in distances of a walk, which codes lead where there are any.
double scanCost(const VectorSpace& space, const SearchRequest& request, bool scansCodes);

// Of how many chosen by code a scan scores the vectors, at least.
size_t leastRescored(size_t wanted);

// Nothing where codes cannot keep the recall that the request asks for, or are not to be used.
std::optional<ScanPlan> planScanByCode(const VectorSpace& space, const SearchRequest& request,
                                       size_t wanted);

} // namespace vicinal
