// The directory of a segment file: what its rows are and where its sections lie.
// docs/data-format.md describes it.
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
  // Of overlay files.
  OverlayRows,
  OverlaySeqs,
  OverlayOffsets,
  OverlayBytes,
  Codes,
  Directions,
  Centre,
  // `vector` counts the sparse ones.
  SparseOffsets,
  SparseIndices,
  SparseValues,
  Postings,
};
constexpr uint8_t kSectionKinds = 25;
const char* sectionName(SectionKind kind);

struct Section {
  SectionKind kind = SectionKind::IdLows;
  // Which named vector; 0 for sections of rows.
  uint8_t vector = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

struct VectorDirectory {
  VectorSpec spec;
  uint32_t vertices = 0;
  bool isIdentity = true;
  GraphMeta graph{};
  // Of the codes in the file.
  CodeKind codes = CodeKind::None;
  // null where nobody has measured yet.
  std::shared_ptr<const Calibration> calibration;
};

struct SegmentDirectory {
  // The state is that after this operation.
  uint64_t throughSeq = 0;
  uint32_t rows = 0;
  uint32_t idsInMap = 0;
  std::vector<VectorDirectory> vectors;
  // Names of the sparse vectors.
  std::vector<std::string> sparse;
  std::vector<Section> sections;

  // Null where there is none.
  const Section* find(SectionKind kind, uint8_t vector = 0) const;
  // Where a sparse vector is; its sections must be there.
  SparseSpace::Filed filedSparse(uint8_t vector) const;
};

// What was measured of a vector whose codes are of this kind.
struct MeasuredVector {
  std::string name;
  CodeKind codes = CodeKind::None;
  // null where nobody has measured yet.
  std::shared_ptr<const Calibration> calibration;
};

// An overlay: what changed of a segment since its file was written.
struct OverlayDirectory {
  uint64_t throughSeq = 0;
  // The segment file it belongs to.
  uint32_t baseCrc = 0;
  uint32_t rows = 0;
  uint32_t changes = 0;
  std::vector<MeasuredVector> measured;
  std::vector<Section> sections;
};

std::string encodeDirectory(const SegmentDirectory& directory);
std::string encodeDirectory(const OverlayDirectory& directory);
// False where the bytes make no directory, or a section lies outside the file.
bool decodeDirectory(const BlockFile& file, SegmentDirectory& directory);
bool decodeDirectory(const BlockFile& file, OverlayDirectory& directory);

} // namespace vicinal
