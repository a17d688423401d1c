#include "segment/segment.hpp"

#include <algorithm>

namespace vicinal {

namespace {

// The graph uses the highest bit of a vertex number as a flag.
constexpr uint64_t kMostRows = (uint64_t(1) << 31) - 2;

template <typename Spaces> auto namedIn(const Spaces& spaces, const std::string& name) {
  return std::find_if(spaces.begin(), spaces.end(),
                      [&](const auto& space) { return space->spec().name == name; });
}

} // namespace

Result<std::shared_ptr<PayloadIndex>> createIndex(const IndexField& field) {
  auto index = PayloadIndex::create(field.field, field.kind, field.text);
  if (index) (*index)->setHasGraphs(field.hasGraphs);
  return index;
}

Result<std::shared_ptr<Segment>> Segment::create(uint32_t number,
                                                 const std::vector<VectorSpec>& vectors,
                                                 const std::vector<SparseSpec>& sparse,
                                                 uint64_t segmentBytes, const BatchSize& batch) {
  std::shared_ptr<Segment> segment(new Segment(number, std::make_shared<Rows>()));
  if (Status status = segment->reserve(vectors, sparse, segmentBytes, batch); !status)
    return status;
  return segment;
}

Status Segment::reserve(const std::vector<VectorSpec>& vectors,
                        const std::vector<SparseSpec>& sparse, uint64_t segmentBytes,
                        const BatchSize& batch) {
  rowCapacity_ = std::min(kMostRows, segmentBytes / kRowBytes + batch.rows + 1);
  auto ids = IdColumns::reserve(rowCapacity_);
  if (!ids) return ids.status();
  ids_ = ids.take();
  auto seqs = RegionArray<uint64_t>::reserve(rowCapacity_);
  if (!seqs) return seqs.status();
  seqs_ = seqs.take();
  auto deletedAt = RegionArray<uint64_t>::reserve(rowCapacity_);
  if (!deletedAt) return deletedAt.status();
  deletedAt_ = deletedAt.take();
  auto dirty = RegionArray<uint64_t>::reserve(rowCapacity_ / 64 + 1);
  if (!dirty) return dirty.status();
  dirty_ = dirty.take();
  VICINAL_TRY(payloads_.reserve(rowCapacity_, segmentBytes + batch.payloadBytes));
  for (size_t at = 0; at < vectors.size(); at++) {
    const uint64_t vertexBytes = vectors[at].vectorBytes() + kRowBytes;
    VICINAL_TRY(addSpace(vectors[at], segmentBytes / vertexBytes + batch.vertices[at] + 1));
  }
  for (size_t at = 0; at < sparse.size(); at++)
    VICINAL_TRY(addSparse(sparse[at], segmentBytes / kSparseEntryBytes + batch.entries[at] + 1));
  return Status::ok();
}

Status Segment::addSpace(const VectorSpec& spec, uint64_t vertices) {
  spaces_.push_back(std::make_shared<VectorSpace>());
  return spaces_.back()->reserve(spec, rowCapacity_, std::min(kMostRows, vertices));
}

Status Segment::addSparse(const SparseSpec& spec, uint64_t entries) {
  sparse_.push_back(std::make_shared<SparseSpace>());
  return sparse_.back()->reserve(spec, rowCapacity_, entries);
}

Result<std::shared_ptr<Segment>> Segment::reshaped(const Segment& from,
                                                   const std::vector<VectorSpec>& vectors,
                                                   const std::vector<SparseSpec>& sparse) {
  std::shared_ptr<Segment> segment(new Segment(from.number_, from.shared_));
  for (const VectorSpec& spec : vectors) {
    const auto known = namedIn(from.spaces_, spec.name);
    if (known != from.spaces_.end()) {
      segment->spaces_.push_back(*known);
      continue;
    }
    VICINAL_TRY(segment->addSpace(spec, 1));
    VICINAL_TRY(segment->spaces_.back()->grow(from.rows(), 0));
  }
  for (const SparseSpec& spec : sparse) {
    const auto known = namedIn(from.sparse_, spec.name);
    if (known != from.sparse_.end()) {
      segment->sparse_.push_back(*known);
      continue;
    }
    VICINAL_TRY(segment->addSparse(spec, 1));
    VICINAL_TRY(segment->sparse_.back()->grow(from.rows(), 0));
  }
  return segment;
}

VectorSpace* Segment::spaceNamed(const std::string& name) const {
  const auto known = namedIn(spaces_, name);
  return known == spaces_.end() ? nullptr : known->get();
}

SparseSpace* Segment::sparseNamed(const std::string& name) const {
  const auto known = namedIn(sparse_, name);
  return known == sparse_.end() ? nullptr : known->get();
}

uint64_t Segment::dataBytes() const {
  uint64_t bytes = uint64_t(rows()) * kRowBytes + payloads_.bytesOf(rows());
  for (const auto& space : spaces_) bytes += space->vectorBytes();
  for (const auto& space : sparse_) bytes += space->bytesOf(rows());
  return bytes;
}

bool Segment::hasRoom(const BatchSize& batch) const {
  if (uint64_t(rows()) + batch.rows > rowCapacity_) return false;
  if (payloads_.bytesOf(rows()) + batch.payloadBytes > payloads_.bytes().capacity()) return false;
  for (size_t at = 0; at < spaces_.size(); at++) {
    if (uint64_t(spaces_[at]->vertices()) + batch.vertices[at] > spaces_[at]->vertexCapacity())
      return false;
  }
  for (size_t at = 0; at < sparse_.size(); at++) {
    if (sparse_[at]->entriesOf(rows()) + batch.entries[at] > sparse_[at]->entryCapacity())
      return false;
  }
  return true;
}

Status Segment::growRows(uint64_t rows, uint64_t payloadBytes) {
  VICINAL_TRY(ids_.grow(rows));
  VICINAL_TRY(seqs_.grow(rows));
  VICINAL_TRY(deletedAt_.grow(rows));
  VICINAL_TRY(dirty_.grow(rows / 64 + 1));
  return payloads_.grow(rows, payloadBytes);
}

bool Segment::isPreparedSoon(const BatchSize& batch) const {
  if (!idMap_.hasRoom(batch.rows)) return false;
  for (size_t at = 0; at < spaces_.size(); at++)
    if (spaces_[at]->isIdentity() && batch.vertices[at] != batch.rows) return false;
  return true;
}

Status Segment::prepare(const BatchSize& batch) {
  const uint64_t total = uint64_t(rows()) + batch.rows;
  VICINAL_TRY(growRows(total, payloads_.bytesOf(rows()) + batch.payloadBytes));
  for (size_t at = 0; at < spaces_.size(); at++)
    VICINAL_TRY(spaces_[at]->grow(total, uint64_t(spaces_[at]->vertices()) + batch.vertices[at]));
  for (size_t at = 0; at < sparse_.size(); at++)
    VICINAL_TRY(sparse_[at]->grow(total, sparse_[at]->entriesOf(rows()) + batch.entries[at]));
  VICINAL_TRY(idMap_.prepare(ids_, batch.rows));
  for (const auto& space : spaces_) space->forgetStaged(rows(), uint32_t(total));
  staged_ = rows();
  return Status::ok();
}

uint32_t Segment::append(const NewRow& row) {
  const uint32_t at = staged_++;
  ids_.set(at, row.id);
  seqs_[at] = row.seq;
  payloads_.append(at, row.payload);
  // A failed write may have left another row's mark here.
  row.isDirty ? setDirty(at) : clearDirty(at);
  for (size_t vector = 0; vector < spaces_.size(); vector++) {
    if (row.vectors[vector].count > 0) spaces_[vector]->append(at, row.vectors[vector]);
  }
  for (size_t vector = 0; vector < sparse_.size(); vector++)
    sparse_[vector]->append(at, row.sparse[vector]);
  return at;
}

void Segment::publish() {
  for (const auto& space : spaces_) space->publish();
  for (const auto& space : sparse_) space->countPublished(rows(), staged_);
  valueSpaces_.publish({indexes(), staged_},
                       [&] { rows_.store(staged_, std::memory_order_release); });
}

bool Segment::beginValueSpace() {
  valueSpaces_.bury();
  return valueSpaces_.begin([&](size_t vector) { return spaces_[vector]; },
                            [&] {
                              return ValueSpaces::Source{indexes(), rows()};
                            });
}

void Segment::extendIndex(PayloadIndex& index, uint32_t to) const {
  index.build([&](uint32_t row) { return payloads_.base(row); }, index.covered(), to);
}

Status Segment::addIndex(const IndexField& field) {
  auto index = createIndex(field);
  if (!index) return index.status();
  extendIndex(**index, rows());
  adoptIndex(index.take());
  return Status::ok();
}

void Segment::adoptIndex(std::shared_ptr<PayloadIndex> index) {
  const std::string field = index->field();
  const bool hasGraphs = index->hasGraphs();
  auto indexes = indexesBut(field);
  indexes.push_back(std::move(index));
  useIndexes(std::move(indexes));
  if (!hasGraphs) valueSpaces_.drop(field);
}

void Segment::dropIndex(const std::string& field) {
  useIndexes(indexesBut(field));
  valueSpaces_.drop(field);
}

std::vector<std::shared_ptr<PayloadIndex>> Segment::indexesBut(const std::string& field) const {
  auto indexes = shared_->writableIndexes;
  std::erase_if(indexes, [&](const auto& index) { return index->field() == field; });
  return indexes;
}

void Segment::indexStaged() {
  try {
    for (const auto& index : shared_->writableIndexes) extendIndex(*index, staged_);
  } catch (...) {
    shared_->writableIndexes.clear();
    std::lock_guard lock(shared_->indexesMutex);
    shared_->indexes = shared_->noIndexes;
    throw;
  }
}

bool Segment::lacksIndex(const std::string& field) const {
  return std::none_of(shared_->writableIndexes.begin(), shared_->writableIndexes.end(),
                      [&](const auto& index) { return index->field() == field; });
}

std::shared_ptr<const PayloadIndexes> Segment::indexes() const {
  std::lock_guard lock(shared_->indexesMutex);
  return shared_->indexes;
}

void Segment::useIndexes(std::vector<std::shared_ptr<PayloadIndex>> indexes) {
  auto published = std::make_shared<const PayloadIndexes>(indexes.begin(), indexes.end());
  shared_->writableIndexes = std::move(indexes);
  std::lock_guard lock(shared_->indexesMutex);
  shared_->indexes = std::move(published);
}

void Segment::expectDead(size_t rows) {
  for (const auto& space : sparse_) space->expectDead(rows);
}

void Segment::tombstone(uint32_t row, uint64_t tick) {
  std::atomic_ref<uint64_t> deletedAt(deletedAt_[row]);
  if (deletedAt.load(std::memory_order_relaxed) != 0) return;
  deletedAt.store(tick, std::memory_order_relaxed);
  deleted_.fetch_add(1, std::memory_order_release);
  for (const auto& space : spaces_) space->countDead(space->verticesOf(row));
  for (const auto& space : sparse_) space->noteDead(row);
}

} // namespace vicinal
