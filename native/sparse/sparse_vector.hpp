// A sparse vector: its non-zero components in ascending order of index.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cstdint>
#include <string>

#include "base/region.hpp"

namespace vicinal {

struct SparseSpec {
  std::string name;
  // Placement of vectors and postings once a file backs them.
  Placement memory = Placement::Cached;
  // Like VectorSpec::slot.
  uint32_t slot = 0;
};

// A view of memory of the caller. Null indices mean that the row has no such vector; that differs
// from a vector without components.
struct SparseVector {
  const uint32_t* indices = nullptr;
  const float* values = nullptr;
  uint32_t count = 0;
  bool isPresent() const { return indices != nullptr; }
};

// Bytes of a component: index and value.
constexpr uint64_t kSparseEntryBytes = sizeof(uint32_t) + sizeof(float);

// The dot product, summed in index order in double precision and rounded once. So every kind of
// search gets the same bits. False if the two share no index: such a row is never an answer, even
// though its product would be zero.
inline bool dotSparse(const SparseVector& a, const SparseVector& b, float& product) {
  // If one vector is much longer, its indices are sought instead of walked over.
  constexpr uint32_t kSeekShare = 8;
  const SparseVector& shorter = a.count < b.count ? a : b;
  const SparseVector& longer = a.count < b.count ? b : a;
  const bool seeks = longer.count / kSeekShare > shorter.count;
  double sum = 0;
  bool isShared = false;
  uint32_t at = 0;
  for (uint32_t i = 0; i < shorter.count; i++) {
    const uint32_t index = shorter.indices[i];
    if (seeks)
      at = static_cast<uint32_t>(
          std::lower_bound(longer.indices + at, longer.indices + longer.count, index) -
          longer.indices);
    else
      while (at < longer.count && longer.indices[at] < index) at++;
    if (at == longer.count) break;
    if (longer.indices[at] != index) continue;
    sum += double(shorter.values[i]) * longer.values[at];
    isShared = true;
  }
  product = static_cast<float>(std::clamp(sum, double(-FLT_MAX), double(FLT_MAX)));
  return isShared;
}

} // namespace vicinal
