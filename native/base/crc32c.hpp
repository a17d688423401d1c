// CRC-32C (Castagnoli), by the processor's instruction if it has one, else by tables.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vicinal {

// Continues the checksum `seed` over more data: crc32c(b, n, crc32c(a, m)) is the checksum of a
// followed by b.
uint32_t crc32c(const void* data, size_t bytes, uint32_t seed = 0);

// The version without special instructions; tests compare it with `crc32c`.
uint32_t crc32cPortable(const void* data, size_t bytes, uint32_t seed = 0);

} // namespace vicinal
