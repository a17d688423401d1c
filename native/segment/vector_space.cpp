#include "segment/vector_space.hpp"

#include <algorithm>

namespace vicinal {

Status VectorSpace::reserve(const VectorSpec& spec, uint64_t rows, uint64_t vertices) {
  spec_ = spec;
  // Where codes lead, only a few vectors of a search are read.
  const auto pages = Sq8Space::supports(spec.metric) ? Region::Pages::Normal : Region::Pages::Huge;
  auto vectors = RegionArray<float>::reserve(vertices * spec.dim, pages);
  if (!vectors) return vectors.status();
  auto vertexOfRow = RegionArray<uint32_t>::reserve(rows);
  if (!vertexOfRow) return vertexOfRow.status();
  auto rowOfVertex = RegionArray<uint32_t>::reserve(vertices);
  if (!rowOfVertex) return rowOfVertex.status();
  vectors_ = vectors.take();
  vertexOfRow_ = vertexOfRow.take();
  rowOfVertex_ = rowOfVertex.take();
  space_ = Space(spec.metric, spec.dim, vectors_.data());
  VICINAL_TRY(reserveCodes(vertices));
  auto graph =
      HnswGraph::create(space_, codeSpace_, graphConfig(), static_cast<uint32_t>(vertices));
  if (!graph) return graph.status();
  graph_ = graph.take();
  return Status::ok();
}

Status VectorSpace::reserveCodes(uint64_t vertices) {
  if (!Sq8Space::supports(spec_.metric)) return Status::ok();
  auto codes =
      RegionArray<uint8_t>::reserve(vertices * Sq8Space::strideOf(spec_.dim), Region::Pages::Huge);
  if (!codes) return codes.status();
  codes_ = codes.take();
  codeSpace_ = Sq8Space(spec_.metric, spec_.dim, codes_.data());
  return Status::ok();
}

Status VectorSpace::grow(uint64_t rows, uint64_t vertices) {
  VICINAL_TRY(vectors_.grow(vertices * spec_.dim));
  VICINAL_TRY(vertexOfRow_.grow(rows));
  VICINAL_TRY(rowOfVertex_.grow(vertices));
  return Status::ok();
}

void VectorSpace::append(uint32_t row, const float* vector) {
  if (isIdentity() && row != staged_) makeMaps();
  const uint32_t vertex = staged_++;
  __builtin_memcpy(vectors_.data() + uint64_t(vertex) * spec_.dim, vector,
                   spec_.dim * sizeof(float));
  if (isIdentity()) return;
  rowOfVertex_[vertex] = row;
  vertexOfRow_[row] = vertex + 1;
}

void VectorSpace::makeMaps() {
  for (uint32_t vertex = 0; vertex < staged_; vertex++) {
    rowOfVertex_[vertex] = vertex;
    vertexOfRow_[vertex] = vertex + 1;
  }
  identity_.store(false, std::memory_order_release);
}

Result<VertexSlice> VectorSpace::claim(uint32_t most) {
  std::lock_guard lock(claims_);
  const uint32_t to = std::min(vertices(), claimed_ + std::min(most, UINT32_MAX - claimed_));
  const VertexSlice slice{claimed_, to};
  if (slice.empty()) return slice;
  VICINAL_TRY(codes_.grow(uint64_t(to) * codeSpace_.stride));
  VICINAL_TRY(graph_->prepare(to));
  claimed_ = to;
  open_.push_back(slice.from);
  return slice;
}

void VectorSpace::encode(const VertexSlice& slice) {
  for (uint32_t vertex = slice.from; vertex < slice.to && !codeSpace_.isEmpty(); vertex++)
    codeSpace_.encode(vertex, vector(vertex));
}

void VectorSpace::link(const VertexSlice& slice) {
  encode(slice);
  for (uint32_t vertex = slice.from; vertex < slice.to; vertex++) graph_->insert(vertex);
}

void VectorSpace::finish(const VertexSlice& slice) {
  std::lock_guard lock(claims_);
  std::erase(open_, slice.from);
  const uint32_t done = open_.empty() ? claimed_ : *std::min_element(open_.begin(), open_.end());
  linked_.store(done, std::memory_order_release);
}

Status VectorSpace::map(int descriptor, const Mapped& mapped) {
  VICINAL_TRY(
      vectors_.mapFile(descriptor, mapped.vectorsAt, uint64_t(mapped.vertices) * spec_.dim));
  if (!mapped.identity) {
    VICINAL_TRY(rowOfVertex_.mapFile(descriptor, mapped.rowOfVertexAt, mapped.vertices));
    VICINAL_TRY(vertexOfRow_.mapFile(descriptor, mapped.vertexOfRowAt, mapped.rows));
  } else {
    // Rows behind may lack the vector, so the maps may have to be made later.
    VICINAL_TRY(rowOfVertex_.grow(mapped.vertices));
    VICINAL_TRY(vertexOfRow_.grow(mapped.rows));
  }
  if (!codeSpace_.isEmpty())
    VICINAL_TRY(codes_.mapFile(descriptor, mapped.codesAt,
                               uint64_t(mapped.graph.meta.vertices) * codeSpace_.stride));
  auto graph = HnswGraph::open(space_, codeSpace_, graphConfig(),
                               static_cast<uint32_t>(vertexCapacity()), mapped.graph);
  if (!graph) return graph.status();
  graph_ = graph.take();
  identity_.store(mapped.identity, std::memory_order_release);
  staged_ = mapped.vertices;
  vertices_.store(mapped.vertices, std::memory_order_release);
  claimed_ = mapped.graph.meta.vertices;
  linked_.store(claimed_, std::memory_order_release);
  return Status::ok();
}

Status VectorSpace::cool(const std::string& path, uint64_t vectorsAt, uint32_t vertices) {
  if (!spec_.onDisk || codeSpace_.isEmpty() || vertices == 0) return Status::ok();
  auto cold = ColdVectors::open(path, vectorsAt, vertices, spec_.dim);
  if (!cold) return cold.status();
  VICINAL_TRY(
      vectors_.replaceByFile((*cold)->descriptor(), vectorsAt, uint64_t(vertices) * spec_.dim));
  std::lock_guard lock(coldMutex_);
  cold_ = cold.take();
  return Status::ok();
}

} // namespace vicinal
