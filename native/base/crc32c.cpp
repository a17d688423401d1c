// The processor's CRC instruction has a latency of three cycles and a throughput of one. A single
// stream would therefore idle two thirds of the time. Three streams therefore run side by side over
// neighbouring blocks. Their sums are joined by multiplying with x^(8 * blockBytes) modulo the
// polynomial, through tables.
#include "base/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace vicinal {

namespace {

constexpr uint32_t polynomial = 0x82f63b78; // reflected
constexpr size_t blockBytes = 1024;         // of each of the three streams

using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables makeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) ? polynomial : 0);
    tables[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; byte++)
    for (size_t i = 1; i < 8; i++)
      tables[i][byte] = (tables[i - 1][byte] >> 8) ^ tables[0][tables[i - 1][byte] & 0xff];
  return tables;
}
constexpr Tables tables = makeTables();

uint32_t updatePortable(uint32_t crc, const uint8_t* at, size_t bytes) {
  for (; bytes >= 8; bytes -= 8, at += 8) {
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--) word = (word << 8) | at[i];
    word ^= crc;
    crc = 0;
    for (size_t i = 0; i < 8; i++) crc ^= tables[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (; bytes > 0; bytes--, at++) crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 0xff];
  return crc;
}

#if defined(__x86_64__) || defined(__aarch64__)

// `blockBytes` zero bytes change a checksum linearly, so four tables, one for each byte of the
// checksum, describe the change.
using ShiftTables = std::array<std::array<uint32_t, 256>, 4>;

ShiftTables makeShift() {
  std::array<uint32_t, 32> ofBit{};
  const std::array<uint8_t, blockBytes> zeros{};
  for (size_t bit = 0; bit < 32; bit++)
    ofBit[bit] = updatePortable(1u << bit, zeros.data(), blockBytes);
  ShiftTables shift{};
  for (size_t byte = 0; byte < 4; byte++)
    for (size_t value = 0; value < 256; value++)
      for (size_t bit = 0; bit < 8; bit++)
        if (value >> bit & 1) shift[byte][value] ^= ofBit[8 * byte + bit];
  return shift;
}

uint32_t shiftBlock(const ShiftTables& shift, uint32_t crc) {
  return shift[0][crc & 0xff] ^ shift[1][crc >> 8 & 0xff] ^ shift[2][crc >> 16 & 0xff] ^
         shift[3][crc >> 24];
}

#if defined(__x86_64__)
#define VICINAL_CRC_TARGET __attribute__((target("sse4.2")))
#define VICINAL_CRC_STEP(crc, word) uint32_t(_mm_crc32_u64(crc, word))
bool hasInstruction() { return __builtin_cpu_supports("sse4.2"); }
#else
#define VICINAL_CRC_TARGET __attribute__((target("+crc")))
#define VICINAL_CRC_STEP(crc, word) __builtin_aarch64_crc32cx(crc, word)
#if defined(__linux__)
bool hasInstruction() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#else
bool hasInstruction() { return true; } // every Apple processor of this architecture
#endif
#endif

uint64_t wordAt(const uint8_t* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

VICINAL_CRC_TARGET uint32_t updateByInstruction(uint32_t crc, const uint8_t* at, size_t bytes) {
  static const ShiftTables shift = makeShift();
  for (; bytes >= 3 * blockBytes; bytes -= 3 * blockBytes, at += 3 * blockBytes) {
    uint32_t second = 0;
    uint32_t third = 0;
    for (size_t i = 0; i < blockBytes; i += 8) {
      crc = VICINAL_CRC_STEP(crc, wordAt(at + i));
      second = VICINAL_CRC_STEP(second, wordAt(at + blockBytes + i));
      third = VICINAL_CRC_STEP(third, wordAt(at + 2 * blockBytes + i));
    }
    crc = shiftBlock(shift, shiftBlock(shift, crc) ^ second) ^ third;
  }
  for (; bytes >= 8; bytes -= 8, at += 8) crc = VICINAL_CRC_STEP(crc, wordAt(at));
  return updatePortable(crc, at, bytes);
}

#endif

} // namespace

uint32_t crc32cPortable(const void* data, size_t bytes, uint32_t seed) {
  return ~updatePortable(~seed, static_cast<const uint8_t*>(data), bytes);
}

uint32_t crc32c(const void* data, size_t bytes, uint32_t seed) {
#if defined(__x86_64__) || defined(__aarch64__)
  static const bool byInstruction = hasInstruction();
  if (byInstruction) return ~updateByInstruction(~seed, static_cast<const uint8_t*>(data), bytes);
#endif
  return crc32cPortable(data, bytes, seed);
}

} // namespace vicinal
