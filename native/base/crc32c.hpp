// CRC-32C (Castagnoli), by the processor's instruction where it has one, by tables otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vicinal {

// The checksum of `seed`'s data followed by this: crc32c(b, n, crc32c(a, m)) is that of a and b
// together.
uint32_t crc32c(const void* data, size_t bytes, uint32_t seed = 0);

// The twin without special instructions; tests compare the two.
uint32_t crc32cPortable(const void* data, size_t bytes, uint32_t seed = 0);

} // namespace vicinal
