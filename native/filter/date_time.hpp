// RFC 3339 date-times as microseconds since the epoch.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vicinal {

// A date alone means midnight, a time without zone means UTC. The grammar is that of
// src/filter/date-time.ts.
std::optional<int64_t> parseDateTime(std::string_view text);

} // namespace vicinal
