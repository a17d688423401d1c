// The directory of a segment file: it describes the rows and the positions of sections.
// docs/data-format.md has the format.
#pragma once

#include <string>
#include <vector>

#include "segment/block_file.hpp"
#include "segment/vector_space.hpp"
#include "sparse/sparse_space.hpp"

namespace vicinal {

enum class SectionKind : uint8_t {
  IdLows,
  IdHighs,
  IdKinds,
  IdMap,
  Seqs,
  Deleted,
  PayloadOffsets,
  PayloadBytes,
  Vectors,
  RowOfVertex,
  VertexOfRow,
  GraphLevel0,
  GraphOffsets,
  GraphUpper,
  // Sections of overlay files.
  OverlayRows,
  OverlaySeqs,
  OverlayOffsets,
  OverlayBytes,
  Codes,
  Directions,
  Centre,
  // For these sections, `vector` counts sparse vectors.
  SparseOffsets,
  SparseIndices,
  SparseValues,
  Postings,
};
constexpr uint8_t kSectionKinds = 25;
const char* sectionName(SectionKind kind);

struct Section {
  SectionKind kind = SectionKind::IdLows;
  // The named vector; 0 for sections of rows.
  uint8_t vector = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

struct VectorDirectory {
  VectorSpec spec;
  uint32_t vertices = 0;
  bool isIdentity = true;
  GraphMeta graph{};
  // Kind of the codes in the file.
  CodeKind codes = CodeKind::None;
  // Null if not measured yet.
  std::shared_ptr<const Calibration> calibration;
};

struct SegmentDirectory {
  // The file has the state after this operation.
  uint64_t throughSeq = 0;
  uint32_t rows = 0;
  uint32_t idsInMap = 0;
  std::vector<VectorDirectory> vectors;
  // Names of the sparse vectors.
  std::vector<std::string> sparse;
  std::vector<Section> sections;

  // Null if there is no such section.
  const Section* find(SectionKind kind, uint8_t vector = 0) const;
  // Positions of a sparse vector; its sections must exist.
  SparseSpace::Filed filedSparse(uint8_t vector) const;
};

// The calibration of a vector, and the kind of codes that it holds for.
struct MeasuredVector {
  std::string name;
  CodeKind codes = CodeKind::None;
  // Null if not measured yet.
  std::shared_ptr<const Calibration> calibration;
};

// An overlay file: the changes of a segment since its file was written.
struct OverlayDirectory {
  uint64_t throughSeq = 0;
  // The segment file that the overlay belongs to.
  uint32_t baseCrc = 0;
  uint32_t rows = 0;
  uint32_t changes = 0;
  std::vector<MeasuredVector> measured;
  std::vector<Section> sections;
};

std::string encodeDirectory(const SegmentDirectory& directory);
std::string encodeDirectory(const OverlayDirectory& directory);
// False if the bytes are not a directory, or if a section lies outside the file.
bool decodeDirectory(const BlockFile& file, SegmentDirectory& directory);
bool decodeDirectory(const BlockFile& file, OverlayDirectory& directory);

} // namespace vicinal
