#include "distance/inspect.hpp"

#include <cmath>
#include <cstring>

#include "distance/prepare.hpp"

namespace vicinal {

namespace {

// Numbers from here on round to infinity as halves.
constexpr float halfOverflow = 65520.0f;

// Odd constants of xxHash (Yann Collet, BSD licence).
constexpr uint64_t prime1 = 0x9E3779B185EBCA87ULL;
constexpr uint64_t prime2 = 0xC2B2AE3D27D4EB4FULL;
constexpr uint64_t prime3 = 0x165667B19E3779F9ULL;

uint64_t rotated(uint64_t word, int bits) { return (word << bits) | (word >> (64 - bits)); }

uint64_t stepped(uint64_t state, uint64_t word) {
  return rotated(state + word * prime2, 31) * prime1;
}

uint8_t flagsOf(const float* vector, size_t dim, Datatype datatype) {
  const bool isHalf = datatype == Datatype::Float16;
  uint8_t flags = 0;
  for (size_t i = 0; i < dim; i++) {
    const float size = std::fabs(vector[i]);
    if (std::isnan(size))
      flags |= kHasNan;
    else if (std::isinf(size) || (isHalf && size >= halfOverflow))
      flags |= kHasBeyond;
  }
  return flags;
}

// Four chains of the components' bits, two at a time, so that the processor multiplies them side by
// side.
uint64_t hashOf(const float* vector, size_t dim) {
  constexpr size_t chains = 4;
  uint64_t states[chains] = {prime1, prime2, prime3, prime1 ^ prime3};
  const size_t words = dim / 2;
  size_t at = 0;
  for (; at + chains <= words; at += chains)
    for (size_t chain = 0; chain < chains; chain++) {
      uint64_t word;
      std::memcpy(&word, vector + 2 * (at + chain), sizeof word);
      states[chain] = stepped(states[chain], word);
    }
  for (size_t chain = 0; at < words; at++, chain++) {
    uint64_t word;
    std::memcpy(&word, vector + 2 * at, sizeof word);
    states[chain] = stepped(states[chain], word);
  }
  uint64_t hash = dim * prime3;
  for (size_t chain = 0; chain < chains; chain++) hash = stepped(hash, states[chain]);
  if (dim % 2 == 1) {
    uint32_t last;
    std::memcpy(&last, vector + dim - 1, sizeof last);
    hash = stepped(hash, last);
  }
  hash = (hash ^ (hash >> 33)) * prime2;
  return hash ^ (hash >> 29);
}

} // namespace

void inspectVectors(const float* data, size_t count, size_t dim, Datatype datatype, double* norms,
                    uint8_t* flags, uint32_t* hashes) {
  for (size_t row = 0; row < count; row++) {
    const float* vector = data + row * dim;
    // It is computed with vector instructions, and is finite exactly if every component is.
    norms[row] = norm(vector, dim);
    const double most = datatype == Datatype::Float16 ? halfOverflow : HUGE_VAL;
    flags[row] = norms[row] < most ? 0 : flagsOf(vector, dim, datatype);
    if (hashes == nullptr) continue;
    const uint64_t hash = hashOf(vector, dim);
    std::memcpy(hashes + 2 * row, &hash, sizeof hash);
  }
}

} // namespace vicinal
