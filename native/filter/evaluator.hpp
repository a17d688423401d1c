// Decides conditions on the payload's JSON text, for rows and conditions that no index answers.
// This code defines the meaning of filters; payload indexes only find the same rows faster.
//
// A condition on a field looks at the values at its path. An array at the path stands for its
// elements (one level): the condition holds if it holds for one of them.
#pragma once

#include "filter/program.hpp"
#include "filter/row_source.hpp"

namespace vicinal {

// Meaningless if the source's work was stopped meanwhile.
bool matches(const FilterNode& node, const RowSource& source, uint32_t row);

} // namespace vicinal
