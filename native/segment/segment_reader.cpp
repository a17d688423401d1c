#include "segment/segment_reader.hpp"

#include <algorithm>
#include <bit>

namespace vicinal {

namespace {

// Rows that were deleted before the file was written are dead for every snapshot; the first
// snapshot has tick 1.
constexpr uint64_t kDeletedBeforeOpen = 1;

uint64_t bitmapBytes(uint64_t rows) { return (rows / 64 + 1) * sizeof(uint64_t); }

Result<BlockFile> openFile(const std::string& path, FileKind kind, std::optional<uint32_t> crc,
                           bool isVerified) {
  auto file = BlockFile::open(path, kind, isVerified);
  if (file && crc && file->stamp().crc != *crc)
    return file->corrupt("the file is whole, but not the one that was recorded (another checksum)");
  return file;
}

} // namespace

class SegmentReader {
public:
  SegmentReader(const BlockFile& file, const SegmentDirectory& directory)
      : file_(file), directory_(directory) {}

  Result<std::shared_ptr<Segment>> read(uint32_t number, const std::vector<VectorSpec>& vectors,
                                        const std::vector<SparseSpec>& sparse, uint64_t roomBytes) {
    VICINAL_TRY(checkVectors(vectors));
    VICINAL_TRY(checkSections());
    BatchSize held;
    held.rows = directory_.rows;
    held.payloadBytes = find(SectionKind::PayloadBytes)->bytes;
    std::vector<VectorSpec> kept = vectors;
    for (VectorSpec& spec : kept) {
      const auto filed = filedVector(spec.name);
      held.vertices.push_back(filed ? directory_.vectors[*filed].vertices : 0);
      // The file may store a narrower type than configured, or floats.
      if (filed) spec.datatype = directory_.vectors[*filed].spec.datatype;
    }
    for (const SparseSpec& spec : sparse) {
      const auto filed = filedSparse(spec.name);
      held.entries.push_back(
          filed ? find(SectionKind::SparseIndices, *filed)->bytes / sizeof(uint32_t) : 0);
    }
    auto created = Segment::create(number, kept, sparse, roomBytes, held);
    if (!created) return created;
    segment_ = created->get();
    VICINAL_TRY(mapRows());
    for (size_t vector = 0; vector < vectors.size(); vector++)
      VICINAL_TRY(mapVector(segment_->space(vector)));
    for (size_t vector = 0; vector < sparse.size(); vector++)
      VICINAL_TRY(mapSparse(segment_->sparse(vector)));
    segment_->staged_ = directory_.rows;
    segment_->rows_.store(directory_.rows, std::memory_order_release);
    VICINAL_TRY(applyDeleted(file_, *find(SectionKind::Deleted)));
    return created;
  }

  Status applyOverlay(const BlockFile& file, Segment& segment) {
    segment_ = &segment;
    OverlayDirectory overlay;
    if (!decodeDirectory(file, overlay)) return file.corrupt("the directory is invalid");
    if (overlay.baseCrc != file_.stamp().crc || overlay.rows != directory_.rows)
      return file.corrupt("the overlay belongs to another segment file than " +
                          fileName(file_.stamp().path));
    const auto find = [&](SectionKind kind) -> const Section* {
      for (const Section& section : overlay.sections)
        if (section.kind == kind) return &section;
      return nullptr;
    };
    const Section* deleted = find(SectionKind::Deleted);
    if (deleted == nullptr) return file.corrupt("a section is missing");
    VICINAL_TRY(applyDeleted(file, *deleted));
    // Checked before memory is allocated for the changes.
    if (overlay.changes > directory_.rows)
      return file.corrupt("it changes more rows than its segment has");
    std::vector<uint32_t> rows(overlay.changes);
    std::vector<uint64_t> seqs(overlay.changes);
    std::vector<uint64_t> offsets(uint64_t(overlay.changes) + 1);
    VICINAL_TRY(readInto(file, find(SectionKind::OverlayRows), rows));
    VICINAL_TRY(readInto(file, find(SectionKind::OverlaySeqs), seqs));
    VICINAL_TRY(readInto(file, find(SectionKind::OverlayOffsets), offsets));
    const Section* bytes = find(SectionKind::OverlayBytes);
    if (bytes == nullptr || offsets.front() != 0 || offsets.back() != bytes->bytes)
      return file.corrupt("the texts and their offsets do not agree");
    for (uint32_t at = 0; at < overlay.changes; at++) {
      if (rows[at] >= directory_.rows || offsets[at + 1] < offsets[at] ||
          offsets[at + 1] > bytes->bytes)
        return file.corrupt("a change names no row of the segment");
      PayloadOverlay change{seqs[at], kDeletedBeforeOpen,
                            std::string(offsets[at + 1] - offsets[at], '\0')};
      VICINAL_TRY(
          file.file().readAt(bytes->offset + offsets[at], change.text.data(), change.text.size()));
      auto overlay = std::make_shared<const PayloadOverlay>(std::move(change));
      segment.payloads().swapOverlay(rows[at], overlay);
    }
    for (const MeasuredVector& vector : overlay.measured) {
      VectorSpace* const space = segment.spaceNamed(vector.name);
      // Codes of another kind than the file's are made again and measured, so the old calibration
      // does not apply.
      if (vector.calibration && space != nullptr && space->codeKind() == vector.codes)
        space->restore(vector.calibration);
    }
    return Status::ok();
  }

private:
  const Section* find(SectionKind kind, uint8_t vector = 0) const {
    return directory_.find(kind, vector);
  }

  template <typename T>
  Status readInto(const BlockFile& file, const Section* section, std::vector<T>& values) {
    if (section == nullptr || section->bytes != values.size() * sizeof(T))
      return file.corrupt("a section is missing or has the wrong length");
    return file.file().readAt(section->offset, values.data(), section->bytes);
  }

  // The vector's number in the file; none if the vector was added later.
  std::optional<uint8_t> filedVector(const std::string& name) const {
    for (uint8_t at = 0; at < directory_.vectors.size(); at++)
      if (directory_.vectors[at].spec.name == name) return at;
    return std::nullopt;
  }

  std::optional<uint8_t> filedSparse(const std::string& name) const {
    for (uint8_t at = 0; at < directory_.sparse.size(); at++)
      if (directory_.sparse[at] == name) return at;
    return std::nullopt;
  }

  Status checkVectors(const std::vector<VectorSpec>& vectors) const {
    const bool isSame = std::all_of(vectors.begin(), vectors.end(), [&](const VectorSpec& spec) {
      const auto filed = filedVector(spec.name);
      if (!filed) return true;
      const VectorSpec& written = directory_.vectors[*filed].spec;
      // A narrower type in the file holds all its values (shard/row_widths). Floats may not have
      // been narrowed yet.
      const bool isAsWide = bytesOf(written.datatype) <= bytesOf(spec.datatype) ||
                            written.datatype == Datatype::Float32;
      return written.dim == spec.dim && written.metric == spec.metric &&
             written.isMulti == spec.isMulti && isAsWide;
    });
    return isSame ? Status::ok()
                  : file_.corrupt("it was written for a collection with other vectors");
  }

  bool has(SectionKind kind, uint64_t bytes, uint8_t vector = 0) const {
    const Section* section = find(kind, vector);
    return section != nullptr && section->bytes == bytes;
  }

  // Checks lengths only. Checksums prove only that a file is as written; a snapshot may come from
  // an untrusted source. So every position and length is checked when it is mapped.
  Status checkSections() const {
    const uint64_t rows = directory_.rows;
    const Section* idMap = find(SectionKind::IdMap);
    bool isSound = has(SectionKind::IdLows, rows * 8) && has(SectionKind::Seqs, rows * 8) &&
                   has(SectionKind::Deleted, bitmapBytes(rows)) &&
                   has(SectionKind::PayloadOffsets, rows * 8 + 8) &&
                   find(SectionKind::PayloadBytes) != nullptr && idMap != nullptr;
    if (isSound && find(SectionKind::IdKinds) != nullptr)
      isSound = has(SectionKind::IdKinds, bitmapBytes(rows)) && has(SectionKind::IdHighs, rows * 8);
    if (isSound) {
      const uint64_t slots = idMap->bytes / sizeof(uint32_t);
      isSound = idMap->bytes % sizeof(uint32_t) == 0 && std::has_single_bit(slots) &&
                directory_.idsInMap < slots && directory_.idsInMap <= rows;
    }
    for (uint8_t vector = 0; isSound && vector < directory_.vectors.size(); vector++) {
      const VectorDirectory& entry = directory_.vectors[vector];
      isSound = (entry.spec.isMulti ? !entry.isIdentity : entry.vertices <= rows) &&
                entry.graph.vertices <= entry.vertices &&
                has(SectionKind::Vectors, entry.vertices * entry.spec.vectorBytes(), vector) &&
                find(SectionKind::GraphLevel0, vector) != nullptr &&
                find(SectionKind::GraphOffsets, vector) != nullptr &&
                find(SectionKind::GraphUpper, vector) != nullptr && checkGraph(entry, vector);
      if (isSound && !entry.isIdentity)
        isSound = has(SectionKind::RowOfVertex, uint64_t(entry.vertices) * 4, vector) &&
                  has(SectionKind::VertexOfRow, rows * 4, vector);
    }
    for (uint8_t vector = 0; isSound && vector < directory_.sparse.size(); vector++) {
      const Section* indices = find(SectionKind::SparseIndices, vector);
      isSound = indices != nullptr && indices->bytes % sizeof(uint32_t) == 0 &&
                has(SectionKind::SparseOffsets, rows * 8 + 8, vector) &&
                has(SectionKind::SparseValues, indices->bytes, vector) &&
                find(SectionKind::Postings, vector) != nullptr;
    }
    return isSound ? Status::ok() : file_.corrupt("its sections and its directory do not agree");
  }

  // Bytes of a code; 0 if the directory is invalid.
  uint64_t codeStride(const VectorDirectory& entry, uint8_t vector) const {
    const VectorSpec& spec = entry.spec;
    if (!Sq8Space::supports(spec.metric, spec.dim)) return 0;
    // With a projection there are fewer components than dimensions.
    uint64_t components = spec.dim;
    if (const Section* directions = find(SectionKind::Directions, vector)) {
      const uint64_t rowBytes = uint64_t(spec.dim) * sizeof(float);
      components = directions->bytes / rowBytes;
      if (directions->bytes % rowBytes != 0 || components == 0 || components >= spec.dim) return 0;
    }
    if (entry.codes == CodeKind::Sq8) return Sq8Space::strideOf(uint32_t(components));
    const uint32_t bits = rabitqBitsOf(entry.codes);
    if (components < spec.dim) components = RabitqSpace::worthCoding(bits, uint32_t(components));
    return has(SectionKind::Centre, components * sizeof(float), vector)
               ? RabitqSpace::strideOf(bits, uint32_t(components))
               : 0;
  }

  // Reads at most a few hundred kilobytes into memory.
  Status readScheme(const VectorDirectory& entry, uint8_t vector, CodeScheme& scheme) {
    scheme.kind = entry.codes;
    const auto read = [&](SectionKind kind, std::vector<float>& values) {
      values.resize(find(kind, vector)->bytes / sizeof(float));
      return readInto(file_, find(kind, vector), values);
    };
    std::vector<float> values;
    if (find(SectionKind::Directions, vector) != nullptr) {
      VICINAL_TRY(read(SectionKind::Directions, values));
      scheme.projection = Projection::from(std::move(values), entry.spec.dim);
      values = {};
    }
    if (find(SectionKind::Centre, vector) != nullptr) {
      VICINAL_TRY(read(SectionKind::Centre, values));
      scheme.rabitq = std::make_shared<const RabitqModel>(std::move(values));
    }
    return Status::ok();
  }

  bool checkGraph(const VectorDirectory& entry, uint8_t vector) const {
    const uint64_t vertices = entry.graph.vertices;
    return HnswGraph::isM(entry.graph.m) &&
           has(SectionKind::GraphLevel0, vertices * (1 + uint64_t(entry.graph.m0)) * 4, vector) &&
           has(SectionKind::GraphOffsets, vertices * 4, vector) &&
           entry.graph.upperWords <= file_.stamp().bytes / 4 &&
           has(SectionKind::GraphUpper, entry.graph.upperWords * 4, vector) &&
           (entry.codes == CodeKind::None ||
            (codeStride(entry, vector) > 0 &&
             has(SectionKind::Codes, vertices * codeStride(entry, vector), vector)));
  }

  // Adds the file's name to an error of one of the segment's parts.
  Status named(const Status& status) const {
    return status.code() == Code::Corrupt ? file_.corrupt(status.message()) : status;
  }

  Status mapRows() {
    const uint64_t rows = directory_.rows;
    const int descriptor = file_.file().descriptor();
    Segment& segment = *segment_;
    VICINAL_TRY(segment.ids_.low().mapFile(descriptor, find(SectionKind::IdLows)->offset, rows));
    if (const Section* kinds = find(SectionKind::IdKinds)) {
      VICINAL_TRY(segment.ids_.kinds().mapFile(descriptor, kinds->offset, rows / 64 + 1));
      VICINAL_TRY(
          segment.ids_.high().mapFile(descriptor, find(SectionKind::IdHighs)->offset, rows));
    }
    VICINAL_TRY(segment.seqs_.mapFile(descriptor, find(SectionKind::Seqs)->offset, rows));
    const Section* idMap = find(SectionKind::IdMap);
    VICINAL_TRY(named(segment.idMap_.map(descriptor, idMap->offset, idMap->bytes / sizeof(uint32_t),
                                         directory_.rows)));
    PayloadStore& payloads = segment.payloads_;
    VICINAL_TRY(named(payloads.map(descriptor, rows, find(SectionKind::PayloadOffsets)->offset,
                                   find(SectionKind::PayloadBytes)->offset,
                                   find(SectionKind::PayloadBytes)->bytes)));
    // Makes room for data that the file does not have: tombstones and dirty bits.
    return segment.growRows(rows, payloads.bytesOf(directory_.rows));
  }

  Status mapVector(VectorSpace& space) {
    const auto filed = filedVector(space.spec().name);
    if (!filed) return space.grow(directory_.rows, 0);
    const uint8_t vector = *filed;
    const VectorDirectory& entry = directory_.vectors[vector];
    VectorSpace::Mapped mapped{};
    mapped.rows = directory_.rows;
    mapped.vertices = entry.vertices;
    mapped.identity = entry.isIdentity;
    mapped.vectorsAt = find(SectionKind::Vectors, vector)->offset;
    if (!entry.isIdentity) {
      mapped.rowOfVertexAt = find(SectionKind::RowOfVertex, vector)->offset;
      mapped.vertexOfRowAt = find(SectionKind::VertexOfRow, vector)->offset;
    }
    if (const Section* codes = find(SectionKind::Codes, vector)) mapped.codesAt = codes->offset;
    VICINAL_TRY(readScheme(entry, vector, mapped.scheme));
    mapped.calibration = entry.calibration;
    mapped.graph = {entry.graph, file_.file().descriptor(),
                    find(SectionKind::GraphLevel0, vector)->offset,
                    find(SectionKind::GraphOffsets, vector)->offset,
                    find(SectionKind::GraphUpper, vector)->offset};
    return named(space.map(file_.file().descriptor(), mapped));
  }

  Status mapSparse(SparseSpace& space) {
    const auto filed = filedSparse(space.spec().name);
    if (!filed) return space.grow(directory_.rows, 0);
    return named(space.map(file_.file().descriptor(), directory_.filedSparse(*filed)));
  }

  Status applyDeleted(const BlockFile& file, const Section& section) {
    std::vector<uint64_t> words(uint64_t(directory_.rows) / 64 + 1);
    VICINAL_TRY(readInto(file, &section, words));
    for (size_t at = 0; at < words.size(); at++) {
      for (uint64_t word = words[at]; word != 0; word &= word - 1) {
        const uint64_t row = at * 64 + static_cast<uint64_t>(std::countr_zero(word));
        if (row >= directory_.rows) return file.corrupt("a delete names no row of the segment");
        segment_->tombstone(static_cast<uint32_t>(row), kDeletedBeforeOpen);
      }
    }
    return Status::ok();
  }

  const BlockFile& file_;
  const SegmentDirectory& directory_;
  Segment* segment_ = nullptr;
};

Result<OpenedSegment> openSegment(const SegmentSource& source, uint32_t number,
                                  const std::vector<VectorSpec>& vectors,
                                  const std::vector<SparseSpec>& sparse, uint64_t roomBytes) {
  auto file = openFile(source.path, FileKind::Segment, source.crc, source.isVerified);
  if (!file) return file.status();
  SegmentDirectory directory;
  if (!decodeDirectory(*file, directory)) return file->corrupt("the directory is invalid");
  SegmentReader reader(*file, directory);
  auto segment = reader.read(number, vectors, sparse, roomBytes);
  if (!segment) return segment.status();
  OpenedSegment opened{segment.take(), directory.throughSeq, file->stamp(), std::nullopt, {}};
  opened.filed = {file->stamp().path, directory, {}, true};
  for (const VectorDirectory& vector : directory.vectors) {
    const VectorSpace* const space = opened.segment->spaceNamed(vector.spec.name);
    opened.filed.codes.push_back(space == nullptr ? nullptr : space->codes());
    if (space == nullptr) opened.hasDropped = true;
  }
  for (const std::string& name : directory.sparse)
    if (opened.segment->sparseNamed(name) == nullptr) opened.hasDropped = true;
  if (Status status = coolData(*opened.segment, opened.filed, Cooling::AsAsked); !status)
    return status;
  if (Status status = coolIndex(*opened.segment, opened.filed, Cooling::AsAsked); !status)
    return status;
  if (source.overlayPath.empty()) return opened;
  auto overlay =
      openFile(source.overlayPath, FileKind::Overlay, source.overlayCrc, source.isVerified);
  if (!overlay) return overlay.status();
  if (Status status = reader.applyOverlay(*overlay, *opened.segment); !status) return status;
  OverlayDirectory overlayDirectory;
  if (decodeDirectory(*overlay, overlayDirectory)) opened.throughSeq = overlayDirectory.throughSeq;
  opened.overlay = overlay->stamp();
  return opened;
}

Result<SegmentDescription> inspectSegment(const std::string& path) {
  auto file = BlockFile::open(path, FileKind::Segment);
  if (!file) return file.status();
  SegmentDescription description{file->formatVersion(), file->stamp().bytes, {}};
  if (!decodeDirectory(*file, description.directory))
    return file->corrupt("the directory is invalid");
  return description;
}

} // namespace vicinal
