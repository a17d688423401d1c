// Leaving to a segment's file what is in it, byte for byte as in memory: then the system may take
// the memory back, and searches ask for it again as they need it.
//
// Vectors and payload never change once they are there. Codes may be made anew, and a graph grows:
// what has changed since the file was written stays in memory until the next file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "segment/segment.hpp"
#include "segment/segment_format.hpp"

namespace vicinal {

// A whole file of a segment, and what it shares with the memory. Vectors are the segment's of the
// same name; either may have some that the other lacks.
struct FiledSegment {
  std::string path;
  SegmentDirectory directory;
  // Of each vector, the codes that were written.
  std::vector<std::weak_ptr<const CodeArray>> codes;
  // Whether payloads are in the file as they were appended.
  bool hasPayloads = false;
};

// What is to be left to the file: what was asked to be cold, or whatever may be.
enum class Cooling : uint8_t { AsAsked, All };

// Vectors and payloads, at any time.
Status coolData(Segment& segment, const FiledSegment& filed, Cooling cooling);
// Graphs and codes, while no graph grows. Searches and writes go on.
Status coolIndex(Segment& segment, const FiledSegment& filed, Cooling cooling);

} // namespace vicinal
