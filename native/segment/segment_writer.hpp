// Writes a segment, or its changes, to a file while writes and searches go on.
//
// A capture is taken under the writer's lock. It holds everything that may change later: counts,
// deletes, payload overlays. Rows below the counts never change, so they are read while they are
// written. Graphs do change, so their sections are written first, while graph building is paused.
#pragma once

#include <memory>
#include <vector>

#include "segment/segment_cooling.hpp"

namespace vicinal {

struct SegmentCapture {
  std::shared_ptr<Segment> segment;
  uint64_t throughSeq = 0;
  uint32_t rows = 0;
  struct Vertices {
    uint32_t count;
    bool isIdentity;
  };
  std::vector<Vertices> vertices;
  // One bit for each row.
  std::vector<uint64_t> deleted;
  OverlayMap overlays;
  std::vector<MeasuredVector> measured;

  // Call with the writer's lock and, shared, the overlays' lock held, and with graph building
  // paused.
  static SegmentCapture take(std::shared_ptr<Segment> segment, uint64_t throughSeq);
  bool isDeleted(uint32_t row) const { return (deleted[row / 64] >> (row % 64) & 1) != 0; }
};

class SegmentWriter {
public:
  static Result<SegmentWriter> create(const std::string& path, const SegmentCapture& capture);
  // Drops vectors that come from an older file from memory after they are written.
  void shedAsItWrites() { shedsVectors_ = true; }
  // Call while graph building is paused.
  Status writeGraphs();
  Status writeScheme(const CodeScheme& scheme, uint8_t vector);
  // Writes the rest. The file is then complete and on stable storage.
  Result<FileStamp> writeRows();
  // Describes which data of the segment the complete file holds.
  FiledSegment filed(const FileStamp& stamp) const;

private:
  SegmentWriter(BlockFileWriter file, const SegmentCapture& capture);
  Status section(SectionKind kind, uint8_t vector, const void* data, uint64_t bytes);
  template <typename Produce> Status produced(SectionKind kind, const Produce& produce);
  Status writeIds();
  Status writeIdMap();
  Status writeSeqs();
  Status writePayloads();
  Status writeVectors();
  Status writeSparse();
  Status appendVectors(uint8_t vector, uint64_t bytes);
  std::string_view payload(uint32_t row) const;

  BlockFileWriter file_;
  const SegmentCapture& capture_;
  const Segment& segment_;
  SegmentDirectory directory_;
  bool shedsVectors_ = false;
  std::vector<std::weak_ptr<const CodeArray>> codes_;
};

// Writes deletes, payload changes and calibrations of a segment whose file is `base`.
Result<FileStamp> writeOverlay(const std::string& path, const SegmentCapture& capture,
                               uint32_t baseCrc);

} // namespace vicinal
