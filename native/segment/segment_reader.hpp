// Opening a segment file: verify every block, map the sections, rebuild nothing. Vectors are found
// by name: rows lack those that the file does not have, and those that were dropped are left in it.
#pragma once

#include <optional>
#include <string>

#include "segment/segment_cooling.hpp"

namespace vicinal {

struct SegmentSource {
  std::string path;
  // What the manifest remembers of the file; none: any will do.
  std::optional<uint32_t> crc;
  std::string overlayPath; // empty: none
  std::optional<uint32_t> overlayCrc;
};

struct OpenedSegment {
  std::shared_ptr<Segment> segment;
  uint64_t throughSeq = 0;
  FileStamp file;
  std::optional<FileStamp> overlay;
  FiledSegment filed;
  // The file also has vectors that the shard does not.
  bool hasDropped = false;
};

// `roomBytes`: how much data the segment may take beyond what it has.
Result<OpenedSegment> openSegment(const SegmentSource& source, uint32_t number,
                                  const std::vector<VectorSpec>& vectors,
                                  const std::vector<SparseSpec>& sparse, uint64_t roomBytes);

struct SegmentDescription {
  uint32_t formatVersion = 0;
  uint64_t bytes = 0;
  SegmentDirectory directory;
};
Result<SegmentDescription> inspectSegment(const std::string& path);

} // namespace vicinal
