#include "shard/row_widths.hpp"

#include <algorithm>

namespace vicinal {

RowWidths::RowWidths(const std::vector<VectorSpec>& specs) {
  for (const VectorSpec& spec : specs) widths_.push_back({spec.dim, spec.datatype});
}

void RowWidths::Width::need(Datatype datatype) {
  if (bytesOf(datatype) > bytesOf(needed)) needed = datatype;
  if (bytesOf(needed) > bytesOf(widest)) needed = widest;
}

void RowWidths::Width::note(const RowVectors& vectors) {
  seen += vectors.count;
  // Moved rows may already be stored in a narrow type.
  if (bytesOf(vectors.datatype) <= bytesOf(needed)) return;
  const size_t components = size_t(vectors.count) * dim;
  const auto* floats = static_cast<const float*>(vectors.data);
  std::vector<float> widened;
  if (vectors.datatype != Datatype::Float32) {
    widened.resize(components);
    widen(vectors.data, vectors.datatype, components, widened.data());
    floats = widened.data();
  }
  while (isNarrow() && !holds(needed, floats, components)) need(nextWider(needed));
}

void RowWidths::note(const WriteBatch& batch) {
  for (size_t vector = 0; vector < widths_.size(); vector++) {
    Width& width = widths_[vector];
    for (size_t row = 0; row < batch.rows.size() && width.isNarrow(); row++) {
      const RowVectors& vectors = batch.rows[row].vectors[vector];
      if (vectors.count > 0) width.note(vectors);
    }
  }
}

void RowWidths::note(const Segment& segment) {
  for (size_t vector = 0; vector < widths_.size(); vector++) {
    Width& width = widths_[vector];
    const VectorSpace& space = segment.space(vector);
    const Datatype datatype = space.spec().datatype;
    if (space.vertices() == 0) continue;
    if (bytesOf(datatype) < bytesOf(width.widest)) {
      width.need(datatype);
      width.seen += space.vertices();
      continue;
    }
    // In a small segment the type may be wider than its values need, so its values decide.
    if (!isWorthMoving(segment)) width.need(width.widest);
    RowFloats room;
    for (uint32_t vertex = 0; vertex < space.vertices() && width.isNarrow(); vertex++)
      width.note({space.floats(vertex, room), 1});
  }
}

bool RowWidths::isWorthMoving(const Segment& segment) {
  // A row with a multivector has several vertices.
  uint32_t most = segment.rows();
  for (size_t vector = 0; vector < segment.vectorCount(); vector++)
    most = std::max(most, segment.space(vector).vertices());
  return most <= kMostMoved;
}

bool RowWidths::suit(const Segment& segment) const {
  for (size_t vector = 0; vector < widths_.size(); vector++) {
    const uint32_t bytes = bytesOf(segment.space(vector).spec().datatype);
    if (bytes < bytesOf(widths_[vector].needed)) return false;
    if (bytes > bytesOf(widths_[vector].ofNew()) && isWorthMoving(segment)) return false;
  }
  return true;
}

std::vector<VectorSpec> RowWidths::narrowed(std::vector<VectorSpec> specs) const {
  for (size_t vector = 0; vector < specs.size(); vector++)
    specs[vector].datatype = widths_[vector].ofNew();
  return specs;
}

} // namespace vicinal
