#include "segment/segment_writer.hpp"

#include <algorithm>

namespace vicinal {

namespace {

// Values are gathered in buffers of this size, unless they are written directly from memory.
constexpr size_t kGatheredValues = 4096;

template <typename T> class Gatherer {
public:
  explicit Gatherer(BlockFileWriter& file) : file_(file) { values_.reserve(kGatheredValues); }
  Status add(T value) {
    values_.push_back(value);
    return values_.size() < kGatheredValues ? Status::ok() : flush();
  }
  Status flush() {
    Status status = file_.append(values_.data(), values_.size() * sizeof(T));
    values_.clear();
    return status;
  }

private:
  BlockFileWriter& file_;
  std::vector<T> values_;
};

} // namespace

SegmentCapture SegmentCapture::take(std::shared_ptr<Segment> segment, uint64_t throughSeq) {
  SegmentCapture capture;
  capture.throughSeq = throughSeq;
  capture.rows = segment->rows();
  capture.deleted.assign(capture.rows / 64 + 1, 0);
  for (uint32_t row = 0; segment->deletedRows() > 0 && row < capture.rows; row++) {
    if (segment->deletedAt(row) != 0) capture.deleted[row / 64] |= uint64_t(1) << (row % 64);
  }
  for (size_t vector = 0; vector < segment->vectorCount(); vector++) {
    const VectorSpace& space = segment->space(vector);
    capture.vertices.push_back({space.vertices(), space.isIdentity()});
    capture.measured.push_back({space.spec().name, space.codeKind(), space.measured()});
  }
  capture.overlays = segment->payloads().overlays();
  capture.segment = std::move(segment);
  return capture;
}

SegmentWriter::SegmentWriter(BlockFileWriter file, const SegmentCapture& capture)
    : file_(std::move(file)), capture_(capture), segment_(*capture.segment) {
  directory_.throughSeq = capture.throughSeq;
  directory_.rows = capture.rows;
}

Result<SegmentWriter> SegmentWriter::create(const std::string& path,
                                            const SegmentCapture& capture) {
  auto file = BlockFileWriter::create(path, FileKind::Segment);
  if (!file) return file.status();
  return SegmentWriter(file.take(), capture);
}

Status SegmentWriter::section(SectionKind kind, uint8_t vector, const void* data, uint64_t bytes) {
  auto offset = file_.startSection();
  if (!offset) return offset.status();
  directory_.sections.push_back({kind, vector, *offset, bytes});
  return bytes == 0 ? Status::ok() : file_.append(data, bytes);
}

template <typename Produce>
Status SegmentWriter::produced(SectionKind kind, const Produce& produce) {
  auto offset = file_.startSection();
  if (!offset) return offset.status();
  VICINAL_TRY(produce());
  directory_.sections.push_back({kind, 0, *offset, file_.position() - *offset});
  return Status::ok();
}

Status SegmentWriter::writeGraphs() {
  for (uint8_t vector = 0; vector < segment_.vectorCount(); vector++) {
    const VectorSpace& space = segment_.space(vector);
    const GraphSections sections = space.graph().sections();
    const SegmentCapture::Vertices& vertices = capture_.vertices[vector];
    const auto codes = space.codes();
    directory_.vectors.push_back({space.spec(), vertices.count, vertices.isIdentity, sections.meta,
                                  space.codeKind(), space.measured()});
    VICINAL_TRY(
        section(SectionKind::GraphLevel0, vector, sections.level0.data, sections.level0.bytes));
    VICINAL_TRY(
        section(SectionKind::GraphOffsets, vector, sections.offsets.data, sections.offsets.bytes));
    VICINAL_TRY(
        section(SectionKind::GraphUpper, vector, sections.upper.data, sections.upper.bytes));
    codes_.push_back(codes);
    if (!codes) continue;
    VICINAL_TRY(section(SectionKind::Codes, vector, codes->space().row(0),
                        uint64_t(sections.meta.vertices) * codes->space().stride()));
    VICINAL_TRY(writeScheme(codes->scheme(), vector));
  }
  return Status::ok();
}

Status SegmentWriter::writeScheme(const CodeScheme& scheme, uint8_t vector) {
  const auto floats = [&](SectionKind kind, const std::vector<float>& values) {
    return section(kind, vector, values.data(), values.size() * sizeof(float));
  };
  if (scheme.projection)
    VICINAL_TRY(floats(SectionKind::Directions, scheme.projection->directions()));
  return scheme.rabitq ? floats(SectionKind::Centre, scheme.rabitq->centre) : Status::ok();
}

Result<FileStamp> SegmentWriter::writeRows() {
  const auto write = [&]() -> Status {
    VICINAL_TRY(writeVectors());
    VICINAL_TRY(writeSparse());
    VICINAL_TRY(writeIds());
    VICINAL_TRY(writeIdMap());
    VICINAL_TRY(writeSeqs());
    VICINAL_TRY(section(SectionKind::Deleted, 0, capture_.deleted.data(),
                        capture_.deleted.size() * sizeof(uint64_t)));
    return writePayloads();
  };
  if (Status status = write(); !status) return status;
  return file_.finish(encodeDirectory(directory_));
}

FiledSegment SegmentWriter::filed(const FileStamp& stamp) const {
  // Payloads of dead rows are dropped in the file, and overlaid payloads differ.
  const bool hasPayloads =
      capture_.overlays.empty() && directory_.find(SectionKind::PayloadBytes)->bytes ==
                                       segment_.payloads().bytesOf(capture_.rows);
  return {stamp.path, directory_, codes_, hasPayloads};
}

Status SegmentWriter::writeVectors() {
  for (uint8_t vector = 0; vector < directory_.vectors.size(); vector++) {
    const VectorSpace& space = segment_.space(vector);
    const VectorDirectory& entry = directory_.vectors[vector];
    const uint64_t bytes = entry.vertices * entry.spec.vectorBytes();
    auto offset = file_.startSection();
    if (!offset) return offset.status();
    VICINAL_TRY(appendVectors(vector, bytes));
    directory_.sections.push_back({SectionKind::Vectors, vector, *offset, bytes});
    if (entry.isIdentity) continue;
    const uint64_t rows = capture_.rows;
    VICINAL_TRY(section(SectionKind::RowOfVertex, vector, space.rowOfVertex().data(),
                        entry.vertices * sizeof(uint32_t)));
    VICINAL_TRY(section(SectionKind::VertexOfRow, vector, space.vertexOfRow().data(),
                        rows * sizeof(uint32_t)));
  }
  return Status::ok();
}

Status SegmentWriter::appendVectors(uint8_t vector, uint64_t bytes) {
  constexpr uint64_t kPiece = uint64_t(8) << 20;
  VectorSpace& space = capture_.segment->space(vector);
  const char* const data = static_cast<const char*>(space.vector(0));
  for (uint64_t at = 0; at < bytes; at += kPiece) {
    VICINAL_TRY(file_.append(data + at, std::min(kPiece, bytes - at)));
    if (shedsVectors_) space.shedVectors();
  }
  return Status::ok();
}

Status SegmentWriter::writeSparse() {
  for (uint8_t vector = 0; vector < segment_.sparseCount(); vector++) {
    const SparseSpace& space = segment_.sparse(vector);
    const uint64_t entries = space.entriesOf(capture_.rows);
    directory_.sparse.push_back(space.spec().name);
    VICINAL_TRY(section(SectionKind::SparseOffsets, vector, space.offsets().data(),
                        (uint64_t(capture_.rows) + 1) * sizeof(uint64_t)));
    VICINAL_TRY(section(SectionKind::SparseIndices, vector, space.indices().data(),
                        entries * sizeof(uint32_t)));
    VICINAL_TRY(
        section(SectionKind::SparseValues, vector, space.values().data(), entries * sizeof(float)));
    auto run = space.wholeRun(capture_.rows);
    if (!run) return run.status();
    VICINAL_TRY(section(SectionKind::Postings, vector, (*run)->data(), (*run)->bytes()));
  }
  return Status::ok();
}

Status SegmentWriter::writeIds() {
  const IdColumns& ids = segment_.ids();
  const uint64_t rows = capture_.rows;
  VICINAL_TRY(section(SectionKind::IdLows, 0, ids.low().data(), rows * sizeof(uint64_t)));
  // Rows that came after the capture may share the last word of kinds; their bits are masked out.
  std::vector<uint64_t> kinds(rows / 64 + 1, 0);
  bool hasUuids = false;
  for (uint32_t row = 0; row < rows; row++) {
    if (!ids.isUuid(row)) continue;
    kinds[row / 64] |= uint64_t(1) << (row % 64);
    hasUuids = true;
  }
  if (!hasUuids) return Status::ok();
  VICINAL_TRY(section(SectionKind::IdHighs, 0, ids.high().data(), rows * sizeof(uint64_t)));
  return section(SectionKind::IdKinds, 0, kinds.data(), kinds.size() * sizeof(uint64_t));
}

// The segment's id map goes on changing, so the file gets a new map of the live rows.
Status SegmentWriter::writeIdMap() {
  const uint32_t live = capture_.rows - static_cast<uint32_t>([&] {
                          uint64_t deleted = 0;
                          for (const uint64_t word : capture_.deleted)
                            deleted += static_cast<uint64_t>(__builtin_popcountll(word));
                          return deleted;
                        }());
  IdMap map;
  VICINAL_TRY(map.prepare(segment_.ids(), live));
  map.adopt();
  for (uint32_t row = 0; row < capture_.rows; row++) {
    if (!capture_.isDeleted(row)) map.put(segment_.ids(), row);
  }
  directory_.idsInMap = map.used();
  return section(SectionKind::IdMap, 0, map.data(), map.bytes());
}

Status SegmentWriter::writeSeqs() {
  return produced(SectionKind::Seqs, [&]() -> Status {
    Gatherer<uint64_t> gatherer(file_);
    for (uint32_t row = 0; row < capture_.rows; row++) {
      const auto overlay = capture_.overlays.find(row);
      VICINAL_TRY(gatherer.add(overlay == capture_.overlays.end() ? segment_.baseSeq(row)
                                                                  : overlay->second->seq));
    }
    return gatherer.flush();
  });
}

// Overlays are written as the rows' payloads; payloads of dead rows are dropped.
std::string_view SegmentWriter::payload(uint32_t row) const {
  if (capture_.isDeleted(row)) return {};
  if (!capture_.overlays.empty()) {
    const auto overlay = capture_.overlays.find(row);
    if (overlay != capture_.overlays.end()) return overlay->second->text;
  }
  return segment_.payloads().base(row);
}

Status SegmentWriter::writePayloads() {
  VICINAL_TRY(produced(SectionKind::PayloadOffsets, [&]() -> Status {
    Gatherer<uint64_t> gatherer(file_);
    uint64_t offset = 0;
    VICINAL_TRY(gatherer.add(0));
    for (uint32_t row = 0; row < capture_.rows; row++)
      VICINAL_TRY(gatherer.add(offset += payload(row).size()));
    return gatherer.flush();
  }));
  return produced(SectionKind::PayloadBytes, [&]() -> Status {
    for (uint32_t row = 0; row < capture_.rows; row++) {
      const std::string_view text = payload(row);
      if (!text.empty()) VICINAL_TRY(file_.append(text.data(), text.size()));
    }
    return Status::ok();
  });
}

Result<FileStamp> writeOverlay(const std::string& path, const SegmentCapture& capture,
                               uint32_t baseCrc) {
  auto created = BlockFileWriter::create(path, FileKind::Overlay);
  if (!created) return created.status();
  BlockFileWriter file = created.take();
  OverlayDirectory directory{capture.throughSeq, baseCrc, capture.rows, 0, capture.measured, {}};
  std::vector<uint32_t> rows;
  for (const auto& [row, overlay] : capture.overlays) {
    if (!capture.isDeleted(row)) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end());
  directory.changes = static_cast<uint32_t>(rows.size());
  std::vector<uint64_t> seqs;
  std::vector<uint64_t> offsets{0};
  for (const uint32_t row : rows) {
    const PayloadOverlay& overlay = *capture.overlays.at(row);
    seqs.push_back(overlay.seq);
    offsets.push_back(offsets.back() + overlay.text.size());
  }
  const auto section = [&](SectionKind kind, const void* data, uint64_t bytes) -> Status {
    auto offset = file.startSection();
    if (!offset) return offset.status();
    directory.sections.push_back({kind, 0, *offset, bytes});
    return bytes == 0 || data == nullptr ? Status::ok() : file.append(data, bytes);
  };
  const auto write = [&]() -> Status {
    VICINAL_TRY(section(SectionKind::Deleted, capture.deleted.data(),
                        capture.deleted.size() * sizeof(uint64_t)));
    VICINAL_TRY(section(SectionKind::OverlayRows, rows.data(), rows.size() * sizeof(uint32_t)));
    VICINAL_TRY(section(SectionKind::OverlaySeqs, seqs.data(), seqs.size() * sizeof(uint64_t)));
    VICINAL_TRY(
        section(SectionKind::OverlayOffsets, offsets.data(), offsets.size() * sizeof(uint64_t)));
    VICINAL_TRY(section(SectionKind::OverlayBytes, nullptr, offsets.back()));
    for (const uint32_t row : rows) {
      const std::string& text = capture.overlays.at(row)->text;
      VICINAL_TRY(file.append(text.data(), text.size()));
    }
    return Status::ok();
  };
  if (Status status = write(); !status) return status;
  return file.finish(encodeDirectory(directory));
}

} // namespace vicinal
