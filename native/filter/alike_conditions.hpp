// Joins alternative conditions on the same field into one condition.
#pragma once

#include <vector>

#include "base/work_meter.hpp"
#include "filter/program.hpp"

namespace vicinal {

// Joins conditions of a list of which one must hold. Values of single conditions become one set.
// Nested conditions on one array become one that looks at each element once. With `isNegated`, all
// conditions of the list must hold, and the negated ones are joined. Short lists stay as they are.
// False if the work was stopped.
bool joinAlike(std::vector<FilterNode>& conditions, bool isNegated, WorkMeter& work);

} // namespace vicinal
