#include <algorithm>
#include <iterator>

#include "shard/shard.hpp"
#include "shard/write_batch.hpp"

namespace vicinal {

namespace {

void addIndexStats(const Segment& segment, ShardStats& stats) {
  // The list is held by a variable: the loop alone would not keep it alive, and an index may be
  // dropped meanwhile.
  for (const auto indexes = segment.indexes(); const auto& index : *indexes) {
    auto known = std::find_if(stats.payloadIndexes.begin(), stats.payloadIndexes.end(),
                              [&](const auto& entry) { return entry.field == index->field(); });
    if (known == stats.payloadIndexes.end()) {
      stats.payloadIndexes.push_back({index->field(), index->kind(), 0});
      known = std::prev(stats.payloadIndexes.end());
    }
    known->points += index->points();
  }
}

} // namespace

Shard::Shard(ShardSpec spec, ThreadPool& pool)
    : spec_(std::move(spec)), pool_(pool),
      segments_(spec_.vectors, spec_.sparse, spec_.segmentBytes),
      changes_(segments_, spec_.trackChanges), indexer_(std::make_shared<Indexer>(segments_, pool)),
      sparseIndexer_(segments_) {
  for (const VectorSpec& vector : spec_.vectors) paces_.emplace_back(vector.dim);
  walkLengths_.resize(spec_.vectors.size());
  for (size_t vector = 0; vector < spec_.sparse.size(); vector++) sparsePaces_.emplace_back(1);
  filteredPaces_.resize(spec_.vectorCount());
  meters_.resize(spec_.vectors.size());
}

Shard::~Shard() {
  indexer_->close();
  sparseIndexer_.close();
}

void Shard::waitForIndex(Indexer::Done done) {
  const auto kept = std::make_shared<Indexer::Done>(std::move(done));
  sparseIndexer_.wait([this, kept](Status status) {
    if (status)
      status = attempt([&] {
        indexer_->wait(*kept);
        return Status::ok();
      });
    if (!status) (*kept)(status);
  });
}

ShardStats Shard::stats() const {
  ShardStats stats;
  // Does not take the writer's lock, because callers are on the JavaScript thread and a write may
  // take long.
  stats.seq = seq_.load();
  stats.dirty = changes_.dirty();
  stats.dirtyBytes = changes_.dirtyBytes();
  stats.vectors.resize(spec_.vectorCount());
  for (size_t vector = 0; vector < meters_.size(); vector++)
    stats.vectors[vector].recall = meters_[vector].reading();
  const Snapshot snapshot = segments_.snapshot();
  for (size_t at = 0; at < snapshot.count(); at++) {
    const Segment& segment = snapshot.segment(at);
    stats.points += segment.liveRows();
    stats.payloadBytes +=
        segment.payloads().bytesOf(snapshot.rows(at)) + segment.payloads().overlaidBytes();
    stats.segments.push_back({segment.number(), &segment == segments_.active(), segment.isLeft(),
                              segment.rows(), segment.deletedRows(), segment.dataBytes(), 0,
                              segment.payloads().overlaidRows(), false});
    addFileStats(segment, stats.segments.back());
    for (size_t vector = 0; vector < segment.vectorCount(); vector++) {
      const VectorSpace& space = segment.space(vector);
      auto& sums = stats.vectors[vector];
      sums.live += space.liveVertices();
      sums.indexed += space.linked();
      if (space.graph().m() > 0) sums.graphed += space.linked();
      sums.graphBytes += space.graph().bytes();
      sums.vectorBytes += space.vectorBytes();
      sums.codeBytes += space.codeBytes();
      if (const auto calibration = space.calibration(); calibration->vertices() > 0) {
        const Calibration::Samples& samples = calibration->samples();
        if (!sums.samples || samples.live < sums.samples->live) sums.samples = samples;
      }
      sums.isCalibrating = sums.isCalibrating || space.isCalibrationDue();
    }
    for (size_t vector = 0; vector < segment.sparseCount(); vector++) {
      const SparseSpace& space = segment.sparse(vector);
      auto& sums = stats.vectors[segment.vectorCount() + vector];
      // All sparse vectors count as indexed: searches find them by postings or in the tail.
      sums.live += space.live();
      sums.indexed += space.live();
      sums.graphed += space.live();
      sums.vectorBytes += space.bytesOf(segment.rows());
      for (const auto runs = space.runs(); const auto& run : *runs) sums.graphBytes += run->bytes();
    }
    addIndexStats(segment, stats);
  }
  return stats;
}

MemoryTable Shard::memory() const {
  MemoryTable table(spec_.vectorCount());
  const MemoryTally tally;
  const Snapshot snapshot = segments_.snapshot();
  for (size_t at = 0; at < snapshot.count(); at++)
    snapshot.segment(at).tally(tally, *snapshot.lookup, table);
  MemoryTally::addHeap(table.changes, changes_.bytes());
  for (const RecallMeter& meter : meters_) MemoryTally::addHeap(table.changes, meter.bytes());
  return table;
}

void Shard::addFileStats(const Segment& segment, ShardStats::SegmentStats& stats) const {
  std::lock_guard lock(files_);
  const auto files = segmentFiles_.find(segment.number());
  if (files == segmentFiles_.end()) return;
  stats.checkpointedRows = files->second.rows;
  stats.isMeasuredAnew = files->second.isMeasuredAnew(segment);
}

uint64_t Shard::tailBytes() const {
  uint64_t bytes = 0;
  const Snapshot snapshot = segments_.snapshot();
  for (size_t at = 0; at < snapshot.count(); at++) {
    for (size_t vector = 0; vector < spec_.vectors.size(); vector++)
      bytes += snapshot.segment(at).space(vector).tailBytes();
  }
  return bytes;
}

int64_t Shard::freeze() {
  std::lock_guard lock(writer_);
  return segments_.freeze();
}

Result<int64_t> Shard::configure(std::vector<VectorSpec> vectors) {
  const auto isSameSpace = [](const VectorSpec& a, const VectorSpec& b) {
    return a.name == b.name && a.dim == b.dim && a.metric == b.metric && a.isMulti == b.isMulti &&
           a.datatype == b.datatype;
  };
  if (!std::equal(vectors.begin(), vectors.end(), spec_.vectors.begin(), spec_.vectors.end(),
                  isSameSpace))
    return Status(Code::InvalidArgument,
                  "vectors: names, dimensions, metrics and datatypes cannot change");
  std::lock_guard lock(writer_);
  segments_.freeze();
  segments_.setVectors(std::move(vectors));
  int64_t greatest = -1;
  for (const Snapshot now = segments_.snapshot(); const auto& segment : *now.segments)
    greatest = std::max(greatest, int64_t(segment->number()));
  return greatest;
}

Result<uint32_t> Shard::moveRows(uint32_t number, uint32_t maxRows) {
  std::lock_guard lock(writer_);
  const auto from = segments_.segment(number);
  if (!from) return Status(Code::NotFound, "segment " + std::to_string(number) + " doesn't exist");
  if (from.get() == segments_.active())
    return Status(Code::InvalidArgument, "segment " + std::to_string(number) + " is not frozen");
  WriteBatch batch = newBatch(std::min(maxRows, from->liveRows()));
  for (uint32_t row = from->firstLiveRow(); row < from->rows() && batch.rows.size() < maxRows;
       row++) {
    if (from->deletedAt(row) != 0) continue;
    batch.keepVectors(*from, row);
    batch.add(from->id(row), from->seq(row), from->payload(row), {from.get(), row},
              from->isDirty(row));
  }
  if (Status status = writeRows(batch, false); !status) return status;
  return from->liveRows();
}

Status Shard::dropSegment(uint32_t number) {
  std::lock_guard lock(writer_);
  const auto segment = segments_.segment(number);
  if (!segment)
    return Status(Code::NotFound, "segment " + std::to_string(number) + " doesn't exist");
  if (segment.get() == segments_.active() || segment->liveRows() > 0)
    return Status(Code::InvalidArgument,
                  "segment " + std::to_string(number) + " has live rows or is not frozen");
  segments_.drop(number);
  // Waiters for the dropped segment now wait for the segment that has its rows.
  indexer_->kick();
  std::lock_guard files(files_);
  segmentFiles_.erase(number);
  return Status::ok();
}

std::vector<std::string> Shard::validate() {
  constexpr size_t kMostViolations = 100;
  std::vector<std::string> violations;
  const Indexer::Pause pause(*indexer_);
  if (const Status left = linkLeft(); !left) return {left.message()};
  const Snapshot snapshot = segments_.snapshot();
  for (size_t at = 0; at < snapshot.count(); at++) {
    for (size_t vector = 0; vector < spec_.vectors.size(); vector++) {
      const VectorSpace& space = snapshot.segment(at).space(vector);
      for (const std::string& found : space.graph().validate(space.linked())) {
        if (violations.size() == kMostViolations) break;
        violations.push_back("segment " + std::to_string(snapshot.segment(at).number()) +
                             ", vector '" + space.spec().name + "': " + found);
      }
    }
  }
  return violations;
}

} // namespace vicinal
