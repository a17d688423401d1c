// One of `total` equal slices of all ids: the ids whose hash modulo `total` is `index`. The hash is
// SipHash-2-4 with a key of zeros, over eight little-endian bytes of a number or the sixteen bytes
// of a UUID. Qdrant hashes the same way, so a slice holds the same ids in both.
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
