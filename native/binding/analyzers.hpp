// The analysers of the options last asked for: to read a list of stop words takes longer than to
// take the text of a query apart.
#pragma once

#include <memory>

#include "text/text_analyzer.hpp"

namespace vicinal::binding {

// From any thread. Null where the bytes say nothing.
std::shared_ptr<const TextAnalyzer> analyzerOf(const uint8_t* options, size_t length);

} // namespace vicinal::binding
