// Chooses the datatype of vectors in new segments: the narrowest that holds all vectors so far bit
// for bit, at most as wide as configured. Pixels, counts and quantised vectors are integers of one
// byte; models with half precision give halves. See docs/design/codes.md.
//
// For the writer only.
#pragma once

#include <vector>

#include "shard/write_batch.hpp"

namespace vicinal {

class RowWidths {
public:
  explicit RowWidths(const std::vector<VectorSpec>& specs);

  // Notes vectors that are about to be written, and those of an opened file.
  void note(const WriteBatch& batch);
  void note(const Segment& segment);

  // Whether the segment can take the noted vectors and there is no reason to begin a narrower one.
  bool suit(const Segment& segment) const;
  // For a segment that no longer suits: whether it has so few rows and vectors that they should be
  // moved.
  static bool isWorthMoving(const Segment& segment);
  // The specs with the narrowest datatypes.
  std::vector<VectorSpec> narrowed(std::vector<VectorSpec> specs) const;

private:
  // Fewer vectors than this tell nothing about later ones.
  static constexpr uint64_t kEvidence = 1024;
  static constexpr uint32_t kMostMoved = 4096;

  struct Width {
    uint32_t dim = 0;
    // The configured type.
    Datatype widest = Datatype::Float32;
    // The type that holds all vectors seen.
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
