// Leaves data to a segment's file that holds it byte for byte. The system can then take the memory
// back, and searches read the data again as needed.
//
// Vectors and payloads never change. Codes may be made again, and a graph grows; parts that changed
// since the file was written stay in memory until the next file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "segment/segment.hpp"
#include "segment/segment_format.hpp"

namespace vicinal {

// A complete segment file and its relation to memory. Vectors are matched by name; either side may
// have vectors that the other lacks.
struct FiledSegment {
  std::string path;
  SegmentDirectory directory;
  // For each vector, the codes that were written.
  std::vector<std::weak_ptr<const CodeArray>> codes;
  // Whether the file has all payloads as they were appended.
  bool hasPayloads = false;
};

// The data to leave to the file: data that is configured as cold, or everything possible.
enum class Cooling : uint8_t { AsAsked, All };

// Leaves vectors and payloads to the file; may run at any time.
Status coolData(Segment& segment, const FiledSegment& filed, Cooling cooling);
// Leaves graphs and codes to the file. Graph building must be paused; searches and writes go on.
Status coolIndex(Segment& segment, const FiledSegment& filed, Cooling cooling);

} // namespace vicinal
