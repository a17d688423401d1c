// Opens a segment file: verifies every block and maps the sections; nothing is rebuilt. Vectors are
// matched by name. Rows lack vectors that the file does not have; vectors of the file that were
// dropped are ignored.
#pragma once

#include <optional>
#include <string>

#include "segment/segment_cooling.hpp"

namespace vicinal {

struct SegmentSource {
  std::string path;
  // The checksum that the manifest has for the file; none: any file will do.
  std::optional<uint32_t> crc;
  std::string overlayPath; // empty: none
  std::optional<uint32_t> overlayCrc;
  // Both files were verified before, and have not changed since: their blocks are not read.
  bool isVerified = false;
};

struct OpenedSegment {
  std::shared_ptr<Segment> segment;
  uint64_t throughSeq = 0;
  FileStamp file;
  std::optional<FileStamp> overlay;
  FiledSegment filed;
  // The file has vectors that the shard does not have.
  bool hasDropped = false;
};

// `roomBytes`: how many bytes of data the segment can take in addition to the file's.
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
