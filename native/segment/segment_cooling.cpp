#include "segment/segment_cooling.hpp"

namespace vicinal {

namespace {

bool isLeft(Placement placement, Cooling cooling) {
  return placement == Placement::Cold ||
         (placement == Placement::Cached && cooling == Cooling::All);
}

Status coolSparse(Segment& segment, const FiledSegment& filed, Cooling cooling) {
  for (uint8_t vector = 0; vector < filed.directory.sparse.size(); vector++) {
    SparseSpace* const space = segment.sparseNamed(filed.directory.sparse[vector]);
    if (space == nullptr || !isLeft(space->spec().memory, cooling)) continue;
    auto file = File::openRead(filed.path);
    if (!file) return file.status();
    VICINAL_TRY(space->leaveTo(file->descriptor(), filed.directory.filedSparse(vector)));
  }
  return Status::ok();
}

} // namespace

Status coolData(Segment& segment, const FiledSegment& filed, Cooling cooling) {
  for (uint8_t vector = 0; vector < filed.directory.vectors.size(); vector++) {
    VectorSpace* const space = segment.spaceNamed(filed.directory.vectors[vector].spec.name);
    if (space == nullptr || !isLeft(space->spec().memory, cooling)) continue;
    const uint64_t offset = filed.directory.find(SectionKind::Vectors, vector)->offset;
    const uint32_t vertices = filed.directory.vectors[vector].vertices;
    // Without codes, every search reads the vectors themselves. They are then mapped from the file,
    // and only when memory is short.
    if (space->codes())
      VICINAL_TRY(space->cool(filed.path, offset, vertices));
    else if (cooling == Cooling::All)
      VICINAL_TRY(space->leaveTo(filed.path, offset, vertices));
  }
  VICINAL_TRY(coolSparse(segment, filed, cooling));
  if (!filed.hasPayloads || cooling == Cooling::AsAsked) return Status::ok();
  auto file = File::openRead(filed.path);
  if (!file) return file.status();
  return segment.payloads().leaveTo(file->descriptor(), filed.directory.rows,
                                    filed.directory.find(SectionKind::PayloadOffsets)->offset,
                                    filed.directory.find(SectionKind::PayloadBytes)->offset);
}

Status coolIndex(Segment& segment, const FiledSegment& filed, Cooling cooling) {
  auto file = File::openRead(filed.path);
  if (!file) return file.status();
  const int descriptor = file->descriptor();
  const auto at = [&](SectionKind kind, uint8_t vector) {
    return filed.directory.find(kind, vector)->offset;
  };
  for (uint8_t vector = 0; vector < filed.directory.vectors.size(); vector++) {
    const VectorDirectory& entry = filed.directory.vectors[vector];
    VectorSpace* const named = segment.spaceNamed(entry.spec.name);
    if (named == nullptr) continue;
    VectorSpace& space = *named;
    const VectorSpec& spec = space.spec();
    if (isLeft(spec.graphMemory, cooling))
      VICINAL_TRY(space.coolGraph({entry.graph, descriptor, at(SectionKind::GraphLevel0, vector),
                                   at(SectionKind::GraphOffsets, vector),
                                   at(SectionKind::GraphUpper, vector)}));
    const auto codes = space.codes();
    if (codes && codes == filed.codes[vector].lock() && isLeft(spec.codeMemory, cooling))
      VICINAL_TRY(space.coolCodes(*codes, descriptor, at(SectionKind::Codes, vector),
                                  entry.graph.vertices));
  }
  return Status::ok();
}

void VectorSpace::place() {
  // Without codes, searches read every vector that they meet, so cold placement is not possible.
  const bool cannotBeCold = spec_.memory == Placement::Cold && !codes_;
  vectors_.place(cannotBeCold ? Placement::Cached : spec_.memory);
  if (codes_) codes_->place(spec_.codeMemory);
}

Status VectorSpace::cool(const std::string& path, uint64_t vectorsAt, uint32_t vertices) {
  if (vertices == 0) return Status::ok();
  if (const auto before = coldVectors(); before && before->vertices() == vertices)
    return Status::ok();
  auto cold = ColdVectors::open(path, vectorsAt, vertices, space_.rowBytes);
  if (!cold) return cold.status();
  VICINAL_TRY(vectors_.replaceByFile((*cold)->descriptor(), vectorsAt,
                                     uint64_t(vertices) * space_.rowBytes));
  std::lock_guard lock(shared_);
  cold_ = cold.take();
  if (!codes_) left_ = vertices;
  return Status::ok();
}

Status VectorSpace::leaveTo(const std::string& path, uint64_t vectorsAt, uint32_t vertices) {
  if (left_ == vertices) return Status::ok();
  auto file = File::openRead(path);
  if (!file) return file.status();
  VICINAL_TRY(
      vectors_.replaceByFile(file->descriptor(), vectorsAt, uint64_t(vertices) * space_.rowBytes));
  left_ = vertices;
  return Status::ok();
}

Status VectorSpace::coolGraph(const GraphFile& file) {
  if (isGraphCold_) return Status::ok();
  auto left = graph_->leaveTo(file);
  if (!left) return left.status();
  isGraphCold_ = *left;
  return Status::ok();
}

Status VectorSpace::coolCodes(const CodeArray& codes, int descriptor, uint64_t offset,
                              uint64_t count) {
  std::lock_guard lock(shared_);
  if (codes_.get() != &codes || codes_->isCold(count)) return Status::ok();
  return codes_->leaveTo(descriptor, offset, count);
}

void VectorSpace::shedIndex() {
  graph_->shed();
  std::lock_guard lock(shared_);
  if (codes_) codes_->shed();
}

Status PayloadStore::leaveTo(int descriptor, uint64_t rows, uint64_t offsetsAt, uint64_t bytesAt) {
  if (filedRows_ == rows) return Status::ok();
  VICINAL_TRY(offsets_.replaceByFile(descriptor, offsetsAt, rows + 1));
  VICINAL_TRY(bytes_.replaceByFile(descriptor, bytesAt, bytesOf(uint32_t(rows))));
  filedRows_ = rows;
  return Status::ok();
}

void PayloadStore::shed() {
  bytes_.shed();
  offsets_.shed();
}

void Segment::shedData() {
  payloads_.shed();
  for (const auto& space : spaces_) space->shedVectors();
  for (const auto& space : sparse_) space->shedData();
}

void Segment::shedIndex() {
  ids_.low().shed();
  seqs_.shed();
  for (const auto held = indexes(); const auto& index : *held) index->shed();
  for (const auto& space : spaces_) space->shedIndex();
  for (const auto& space : sparse_) space->shedIndex();
}

} // namespace vicinal
