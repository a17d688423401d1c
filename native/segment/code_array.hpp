// The codes of a vector space, with the scheme that made them.
#pragma once

#include <memory>

#include "base/memory_tally.hpp"
#include "base/region.hpp"
#include "quantize/code_space.hpp"
#include "quantize/projection.hpp"

namespace vicinal {

// Everything that is needed to code a vector.
struct CodeScheme {
  CodeKind kind = CodeKind::None;
  // Null: codes cover all dimensions.
  std::shared_ptr<const Projection> projection;
  // For RaBitQ; null: centred at the origin.
  std::shared_ptr<const RabitqModel> rabitq;
};

class CodeArray {
public:
  // The kind of codes that a space starts with; None if metric and dimensions do not support codes.
  static CodeKind firstKind(CodeKind asked, Metric metric, uint32_t dim);
  static uint32_t strideOf(const CodeScheme& scheme, uint32_t dim);

  // Makes an array for at most `capacity` vectors; null if the scheme's kind is None.
  static Result<std::shared_ptr<CodeArray>> create(Metric metric, uint32_t dim, uint64_t capacity,
                                                   CodeScheme scheme);

  const CodeSpace& space() const { return space_; }
  const CodeScheme& scheme() const { return scheme_; }
  uint64_t bytes() const { return rows_.bytes(); }
  void tally(const MemoryTally& tally, MemoryPart& part) const;

  // Makes room for `count` codes.
  Status grow(uint64_t count) { return rows_.grow(count * space_.stride()); }
  // Takes the first `count` codes from a file.
  Status mapFile(int descriptor, uint64_t offset, uint64_t count) {
    return rows_.mapFile(descriptor, offset, count * space_.stride());
  }

  // Makes the whole capacity readable, for codes that do not grow with the graph (any more, or
  // yet). A search that still uses them may meet vertices without a code; such codes read as zeros.
  Status letRead() { return rows_.letRead(); }

  // Sets the placement. Call it before codes are mapped or grow.
  void place(Placement placement) { rows_.place(placement); }
  // Maps the first `count` codes from a file that holds the same bytes.
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
