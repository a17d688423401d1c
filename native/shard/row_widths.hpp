// How wide the vectors of new segments are kept: as narrow as holds, bit for bit, all that has come
// so far, and at most as wide as is asked for. Pixels, counts and what was quantised before it came
// are integers of one byte; what a model gives in half precision has halves. See
// docs/design/codes.md.
//
// The writer's.
#pragma once

#include <vector>

#include "shard/write_batch.hpp"

namespace vicinal {

class RowWidths {
public:
  explicit RowWidths(const std::vector<VectorSpec>& specs);

  // Looks at what is about to be written, and at what is there when a file is opened.
  void note(const WriteBatch& batch);
  void note(const Segment& segment);

  // Whether the segment may take what was noted, and there is no reason to begin a narrower one.
  bool suit(const Segment& segment) const;
  // Of a segment that no longer suits: whether it has so few rows and vectors that they should be
  // moved.
  static bool isWorthMoving(const Segment& segment);
  // The specs, as narrow as it goes.
  std::vector<VectorSpec> narrowed(std::vector<VectorSpec> specs) const;

private:
  // Fewer vectors tell nothing about those to come.
  static constexpr uint64_t kEvidence = 1024;
  static constexpr uint32_t kMostMoved = 4096;

  struct Width {
    uint32_t dim = 0;
    // What is asked for.
    Datatype widest = Datatype::Float32;
    // What holds all that was seen.
    Datatype needed = Datatype::Uint8;
    uint64_t seen = 0;

    bool isNarrow() const { return bytesOf(needed) < bytesOf(widest); }
    Datatype ofNew() const { return seen >= kEvidence ? needed : widest; }
    void need(Datatype datatype);
    void note(const RowVectors& vectors);
  };
  std::vector<Width> widths_;
};

} // namespace vicinal
