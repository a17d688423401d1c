// Plans how a request is answered in one space: by a graph walk or a scan.
#pragma once

#include <optional>

#include "search/search.hpp"
#include "segment/vector_space.hpp"

namespace vicinal {

struct WalkPlan {
  SearchOptions options;
  // How candidates by code are rescored.
  Rescoring rescoring;
  // Expected distances without a filter.
  double distances = 0;
  // Distances of the median walk of this effort, and the number at which a walk ends; 0 if unknown.
  double typical = 0;
  double most = 0;
  // The promised recall; 0 if the request names a width.
  float recall = 0;
};

// Plans a walk for `wanted` neighbours among the first `linked` vertices. Nothing if a scan was
// requested, is cheaper, or alone reaches the recall. The walk may lose `lossShare` of the allowed
// loss: dead vertices take places in a beam, and the calibration assumes that all are live.
std::optional<WalkPlan> planWalk(const VectorSpace& space, const SearchRequest& request,
                                 size_t wanted, uint32_t linked, float lossShare = 1);

// The same for a query far from all vectors, where the calibration is less reliable: the walk may
// lose only this share.
constexpr float kLossWhereFar = 0.1f;
std::optional<WalkPlan> planWalkFrom(const VectorSpace& space, const SearchRequest& request,
                                     size_t wanted, uint32_t linked, float lossShare);

// The same for neighbours of one vector, if the request has several query vectors or examples.
std::optional<WalkPlan> planWalkToOne(const VectorSpace& space, const SearchRequest& request,
                                      size_t wanted, uint32_t linked);

// The same among the matches of a filter, which are this share of the vertices. Distances are given
// in distances of a walk without a filter. Nothing if the matches are too few to be connected.
std::optional<WalkPlan> planAcceptedWalk(const VectorSpace& space, const SearchRequest& request,
                                         size_t wanted, double share);

// Why there is no walk: "exact" or "all" were requested, there is "no graph" or an "empty" one, no
// walk promises the "recall", or a scan "costs less".
const char* whyNoWalk(const VectorSpace& space, const SearchRequest& request, uint32_t linked);

// The same for a filter's matches, which may be far from the query. More of them are about equally
// far, so epsilon is greater.
Rescoring amongMatches(Rescoring rescoring);

// A scan of codes: how candidates are rescored, and the promised recall.
struct ScanPlan {
  Rescoring rescoring;
  float recall = 0;
};

// Cost of a scan for each vertex, in distances of a walk (by code if there are codes).
double scanCost(const VectorSpace& space, const SearchRequest& request, bool scansCodes);

// The least number of candidates by code that a scan rescores.
size_t leastRescored(size_t wanted);

// Nothing if codes cannot reach the requested recall or must not be used.
std::optional<ScanPlan> planScanByCode(const VectorSpace& space, const SearchRequest& request,
                                       size_t wanted);

} // namespace vicinal
