// The model of costs, in distances computed for vectors that lie anywhere in memory. Estimates:
// they decide between ways that find the same neighbours, so a wrong one costs time and never an
// answer.
#pragma once

namespace vicinal {

// Distances a walk computes for each place of its beam.
constexpr double kDistancesPerEf = 20;
// A distance to the next vector in a row of them, and to the next code.
constexpr double kSequentialDistance = 0.3;
constexpr double kSequentialCode = 0.15;
// Where codes lead, a longer vector takes longer by as many times as it is longer than this.
constexpr double kBytesAsCode = 256;
// A distance to the next of many vertices chosen beforehand, in the order in which they lie.
constexpr double kGatheredDistance = 0.5;
// Deciding a condition on the payload's text.
constexpr double kEvaluation = 8;

} // namespace vicinal
