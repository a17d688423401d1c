// Conditions on the same field, of which one has to hold, as one condition.
#pragma once

#include <vector>

#include "base/work_meter.hpp"
#include "filter/program.hpp"

namespace vicinal {

// In a list of which one has to hold: values that are asked for one by one become one set, and
// filters of the elements of one array become one that is asked of each element once. `isNegated`:
// all of the list have to hold, and those that say "not" are joined. A list of a few stays as it
// is. False where the work was stopped.
bool joinAlike(std::vector<FilterNode>& conditions, bool isNegated, WorkMeter& work);

} // namespace vicinal
