// A cache of the analyzers of recently used options: reading a list of stop words takes longer than
// analyzing the text of a query.
#pragma once

#include <memory>

#include "text/text_analyzer.hpp"

namespace vicinal::binding {

// Usable from any thread. Null if the bytes are invalid.
std::shared_ptr<const TextAnalyzer> analyzerOf(const uint8_t* options, size_t length);

} // namespace vicinal::binding
