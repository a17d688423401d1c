// One of `total` equal parts of all ids: those whose hash leaves `index` when divided by `total`.
// The hash is SipHash-2-4 with a key of zeros over eight little-endian bytes of a number, or the
// sixteen bytes of a UUID, as in Qdrant, so a slice holds the same ids in both.
#pragma once

#include <cstdint>

#include "filter/row_source.hpp"

namespace vicinal {

struct IdSlice {
  uint32_t total = 1;
  uint32_t index = 0;

  bool contains(const IdWords& id) const;
};

uint64_t sliceHash(const IdWords& id);

} // namespace vicinal
