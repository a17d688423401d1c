// Counts the memory of a segment, part by part. It follows the rules for readers, so writes may go
// on meanwhile.
#include "filter/filed_index.hpp"
#include "segment/segment.hpp"

namespace vicinal {

namespace {

// Memory of an overlay entry besides its text: the entry with its counts, its node and share of the
// hash table, and the allocator's rounding.
constexpr uint64_t kOverlayEntryBytes = 176;

} // namespace

void CodeArray::tally(const MemoryTally& tally, MemoryPart& part) const {
  tally.add(part, rows_);
  if (scheme_.projection) MemoryTally::addHeap(part, scheme_.projection->bytes());
  if (scheme_.rabitq) MemoryTally::addHeap(part, scheme_.rabitq->bytes() + space_.rabitq().bytes());
}

void VectorSpace::tally(const MemoryTally& tally, MemoryTable::Vectors& table,
                        MemoryPart& ids) const {
  tally.add(table.vectors, vectors_);
  tally.add(ids, vertexOfRow_);
  tally.add(ids, rowOfVertex_);
  tally.add(ids, places_);
  graph_->tally(tally, table.graph);
  if (const auto now = codes()) now->tally(tally, table.codes);
  if (const auto cold = coldVectors()) {
    const uint64_t inFile = uint64_t(cold->vertices()) * space_.rowBytes;
    table.inFiles += inFile;
    table.vectors.bytes -= inFile;
  }
}

void PayloadStore::tally(const MemoryTally& tally, MemoryTable& table) const {
  tally.add(table.payload, bytes_);
  tally.add(table.payload, offsets_);
  tally.add(table.tombstones, overlaid_);
  MemoryTally::addHeap(table.overlays, overlaidBytes() + overlaidRows() * kOverlayEntryBytes);
}

void Segment::tally(const MemoryTally& tally, std::shared_mutex& lookup, MemoryTable& table) const {
  tally.add(table.ids, ids_.low());
  tally.add(table.ids, ids_.high());
  tally.add(table.ids, ids_.kinds());
  tally.add(table.ids, seqs_);
  MemoryTally::addHeap(table.ids, idOrder_.bytes());
  {
    std::shared_lock lock(lookup);
    idMap_.tally(tally, table.ids);
  }
  tally.add(table.tombstones, deletedAt_);
  tally.add(table.tombstones, dirty_);
  payloads_.tally(tally, table);
  for (size_t vector = 0; vector < spaces_.size(); vector++)
    spaces_[vector]->tally(tally, table.vectors[vector], table.ids);
  for (const auto& [vector, space] : valueSpaces_.all())
    space->tally(tally, table.vectors[vector], table.ids);
  for (size_t vector = 0; vector < sparse_.size(); vector++) {
    MemoryTable::Vectors& part = table.vectors[spaces_.size() + vector];
    sparse_[vector]->tally(tally, part.vectors, part.graph);
  }
  for (const auto held = indexes(); const auto& index : *held) {
    MemoryTally::addHeap(table.payloadIndexes, index->bytes());
    if (const FiledIndex* filed = index->filed()) tally.add(table.payloadIndexes, filed->region);
  }
}

} // namespace vicinal
