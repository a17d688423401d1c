// The cost model. The unit is a distance to a vector at a random place in memory. The estimates
// choose between ways that find the same neighbours, so a wrong estimate costs time but never
// changes an answer.
#pragma once

namespace vicinal {

// Distances that a walk computes for each place of its beam.
constexpr double kDistancesPerEf = 20;
// A distance to the next of consecutive vectors, and to the next code.
constexpr double kSequentialDistance = 0.3;
constexpr double kSequentialCode = 0.15;
// In spaces with codes, a vector longer than this costs proportionally more.
constexpr double kBytesAsCode = 256;
// A distance to the next of many preselected vertices, in memory order.
constexpr double kGatheredDistance = 0.5;
// Deciding a condition on a payload's text.
constexpr double kEvaluation = 8;

} // namespace vicinal
