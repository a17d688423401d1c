// The codes of a vector space and what they were made by.
#pragma once

#include <memory>

#include "base/memory_tally.hpp"
#include "base/region.hpp"
#include "quantize/code_space.hpp"
#include "quantize/projection.hpp"

namespace vicinal {

// What it takes to code a vector.
struct CodeScheme {
  CodeKind kind = CodeKind::None;
  // Null: codes are of all dimensions.
  std::shared_ptr<const Projection> projection;
  // Of RaBitQ; null: centred at the origin.
  std::shared_ptr<const RabitqModel> rabitq;
};

class CodeArray {
public:
  // The kind of codes that a space starts with: None where metric and dimensions have no codes.
  static CodeKind firstKind(CodeKind asked, Metric metric, uint32_t dim);
  static uint32_t strideOf(const CodeScheme& scheme, uint32_t dim);

  // For at most `capacity` vectors. Null where the scheme's kind is None.
  static Result<std::shared_ptr<CodeArray>> create(Metric metric, uint32_t dim, uint64_t capacity,
                                                   CodeScheme scheme);

  const CodeSpace& space() const { return space_; }
  const CodeScheme& scheme() const { return scheme_; }
  uint64_t bytes() const { return rows_.bytes(); }
  void tally(const MemoryTally& tally, MemoryPart& part) const;

  // Room for `count` codes.
  Status grow(uint64_t count) { return rows_.grow(count * space_.stride()); }
  // The first `count` codes come from a file.
  Status mapFile(int descriptor, uint64_t offset, uint64_t count) {
    return rows_.mapFile(descriptor, offset, count * space_.stride());
  }

  // For codes that no longer grow with the graph, or do not yet: who still walks by them may meet
  // vertices that they lack, whose codes then read as zeros.
  Status letRead() { return rows_.letRead(); }

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
  CodeScheme scheme_;
  CodeSpace space_;
};

} // namespace vicinal
