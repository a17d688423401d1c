// The model of costs, in distances computed for vectors that lie anywhere in memory. Estimates:
// they decide between ways that find the same neighbours, so a wrong one costs time and never an
// answer.
#pragma once

namespace vicinal {

// Distances a graph search computes for each place of its beam.
constexpr double kDistancesPerEf = 20;
// A distance to the next vector in a row of them.
constexpr double kSequentialDistance = 0.3;
// Deciding a condition on the payload's text.
constexpr double kEvaluation = 8;

} // namespace vicinal
