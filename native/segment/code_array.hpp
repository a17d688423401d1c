// The codes of a vector space and what they were made by.
#pragma once

#include <memory>

#include "base/memory_tally.hpp"
#include "base/region.hpp"
#include "quantize/projection.hpp"
#include "quantize/sq8.hpp"

namespace vicinal {

class CodeArray {
public:
  // For at most `capacity` vectors. Null where metric and dimensions have no codes.
  static Result<std::shared_ptr<CodeArray>> create(Metric metric, uint32_t dim, uint64_t capacity,
                                                   std::shared_ptr<const Projection> projection);

  const Sq8Space& space() const { return space_; }
  const std::shared_ptr<const Projection>& projection() const { return projection_; }
  uint64_t bytes() const { return rows_.bytes(); }
  void tally(const MemoryTally& tally, MemoryPart& part) const;

  // Room for `count` codes.
  Status grow(uint64_t count) { return rows_.grow(count * space_.stride()); }
  // The first `count` codes come from a file.
  Status mapFile(int descriptor, uint64_t offset, uint64_t count) {
    return rows_.mapFile(descriptor, offset, count * space_.stride());
  }

  // Where they are to be; before they are mapped or grow.
  void place(Placement placement) { rows_.place(placement); }
  // Leaves the first `count` codes to a file that has the same.
  Status leaveTo(int descriptor, uint64_t offset, uint64_t count) {
    filed_ = count;
    return rows_.replaceByFile(descriptor, offset, count * space_.stride());
  }
  bool isCold(uint64_t count) const { return filed_ == count; }
  void shed() { rows_.shed(); }

private:
  RegionArray<uint8_t> rows_;
  uint64_t filed_ = 0;
  std::shared_ptr<const Projection> projection_;
  Sq8Space space_;
};

} // namespace vicinal
