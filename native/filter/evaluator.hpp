// Decides conditions on the payload text itself, for rows and conditions that no index answers. It
// defines what a filter means; payload indexes only find the same rows sooner.
//
// A condition on a field looks at the values at its path. Where such a value is an array, its
// elements are looked at instead (one level), and the condition holds when it holds for one of
// them.
#pragma once

#include "filter/program.hpp"
#include "filter/row_source.hpp"

namespace vicinal {

// Means nothing where the source's work was stopped meanwhile.
bool matches(const FilterNode& node, const RowSource& source, uint32_t row);

} // namespace vicinal
