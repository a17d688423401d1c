// Checkpoints: write everything that changed since the last one, as of one operation.
#include <sys/stat.h>

#include <random>

#include "segment/segment_writer.hpp"
#include "shard/shard.hpp"

namespace vicinal {

namespace {

// An overlay larger than this share of its segment (a quarter) costs more to keep than to merge.
constexpr uint64_t kOverlayShare = 4;

std::string uniqueName(uint32_t number, const char* extension) {
  std::random_device random;
  char name[64];
  std::snprintf(name, sizeof name, "%08x%08x-%u.%s", random(), random(), number, extension);
  return name;
}

bool exists(const std::string& path) {
  struct stat facts;
  return ::stat(path.c_str(), &facts) == 0;
}

std::vector<uint32_t> linkedOf(const Segment& segment) {
  std::vector<uint32_t> linked;
  for (size_t vector = 0; vector < segment.vectorCount(); vector++)
    linked.push_back(segment.space(vector).linked());
  return linked;
}

std::vector<std::shared_ptr<const Calibration>> measuredOf(const Segment& segment) {
  std::vector<std::shared_ptr<const Calibration>> measured;
  for (size_t vector = 0; vector < segment.vectorCount(); vector++)
    measured.push_back(segment.space(vector).measured());
  return measured;
}

} // namespace

// Vectors are matched by name; codes are compared by identity, because they are replaced, never
// changed.
bool SegmentFiles::hasOtherCodes(const Segment& segment) const {
  for (size_t at = 0; filed && at < filed->codes.size(); at++) {
    const VectorSpace* const space = segment.spaceNamed(filed->directory.vectors[at].spec.name);
    if (space == nullptr) continue;
    if (filed->directory.vectors[at].codes != space->codeKind()) return true;
    if (filed->codes[at].lock() != space->codes()) return true;
  }
  return false;
}

bool SegmentFiles::isMeasuredAnew(const Segment& segment) const {
  return measured != measuredOf(segment) || hasOtherCodes(segment);
}

// The plan for one segment and, afterwards, its files.
struct Shard::Plan {
  enum class Kind : uint8_t { Keep, Overlay, Whole } kind = Kind::Keep;
  SegmentCapture capture;
  uint32_t number = 0;
  SegmentFiles files;
};

// Captures every segment that changed, all as of the same operation. Call with graph building
// paused.
std::vector<Shard::Plan> Shard::captureChanges(uint64_t& throughSeq) {
  std::lock_guard lock(writer_);
  std::shared_lock overlays(segments_.overlays());
  std::lock_guard files(files_);
  throughSeq = seq_.load();
  std::vector<Plan> plans;
  for (const Snapshot now = segments_.snapshot(); const auto& segment : *now.segments) {
    if (segment->rows() == 0) continue;
    Plan plan;
    plan.number = segment->number();
    const auto known = segmentFiles_.find(plan.number);
    const std::vector<uint32_t> linked = linkedOf(*segment);
    const PayloadStore& payloads = segment->payloads();
    if (known != segmentFiles_.end()) plan.files = known->second;
    const bool hasGrown = known == segmentFiles_.end() || plan.files.rows != segment->rows() ||
                          plan.files.linked != linked || plan.files.hasOtherCodes(*segment) ||
                          !exists(plan.files.base.path);
    const bool hasChanged = plan.files.deletedRows != segment->deletedRows() ||
                            plan.files.measured != measuredOf(*segment) ||
                            plan.files.overlayChanges != payloads.overlayChanges() ||
                            (plan.files.overlay && !exists(plan.files.overlay->path));
    const bool isHeavy = payloads.overlaidBytes() > segment->dataBytes() / kOverlayShare;
    if (hasGrown || (hasChanged && isHeavy))
      plan.kind = Plan::Kind::Whole;
    else if (hasChanged)
      plan.kind = Plan::Kind::Overlay;
    if (plan.kind != Plan::Kind::Keep) plan.capture = SegmentCapture::take(segment, throughSeq);
    plan.files.rows = segment->rows();
    plan.files.linked = linked;
    plan.files.deletedRows = segment->deletedRows();
    plan.files.overlayChanges = payloads.overlayChanges();
    plan.files.measured = measuredOf(*segment);
    plans.push_back(std::move(plan));
  }
  return plans;
}

// Resumes graph building as soon as the graphs are written.
Status Shard::writeSegments(const std::string& folder, std::vector<Plan>& plans,
                            Indexer::Pause& pause) {
  std::vector<std::pair<Plan*, SegmentWriter>> writers;
  Status status = Status::ok();
  for (Plan& plan : plans) {
    if (plan.kind != Plan::Kind::Whole) continue;
    auto writer =
        SegmentWriter::create(folder + "/" + uniqueName(plan.number, "vseg"), plan.capture);
    if (!writer) {
      status = writer.status();
      break;
    }
    if (isFrugal_) writer->shedAsItWrites();
    writers.emplace_back(&plan, writer.take());
    if (status = writers.back().second.writeGraphs(); !status) break;
  }
  pause.end();
  VICINAL_TRY(status);
  for (auto& [plan, writer] : writers) {
    auto written = writer.writeRows();
    if (!written) return written.status();
    plan->files.base = written.take();
    plan->files.overlay.reset();
    plan->files.filed = std::make_shared<const FiledSegment>(writer.filed(plan->files.base));
  }
  for (Plan& plan : plans) {
    if (plan.kind != Plan::Kind::Overlay) continue;
    const std::string path = folder + "/" + uniqueName(plan.number, "vovl");
    auto written = writeOverlay(path, plan.capture, plan.files.base.crc);
    if (!written) return written.status();
    plan.files.overlay = written.take();
  }
  return Status::ok();
}

// Call with graph building paused.
Status Shard::linkLeft() const {
  for (const Snapshot now = segments_.snapshot(); const auto& segment : *now.segments)
    for (size_t vector = 0; vector < segment->vectorCount(); vector++)
      VICINAL_TRY(segment->space(vector).linkLeft());
  return Status::ok();
}

Result<CheckpointResult> Shard::checkpoint(const std::string& folder) {
  std::lock_guard one(checkpoint_);
  CheckpointResult result;
  Indexer::Pause writing(*indexer_);
  VICINAL_TRY(linkLeft());
  std::vector<Plan> plans = captureChanges(result.throughSeq);
  VICINAL_TRY(writeSegments(folder, plans, writing));
  std::unique_lock lock(files_);
  for (Plan& plan : plans) {
    result.segments.push_back({plan.number, plan.files.base, plan.files.overlay});
    segmentFiles_[plan.number] = std::move(plan.files);
  }
  lock.unlock();
  Status status = coolSegments(coolData);
  fileIndexes();
  const Indexer::Pause cooling(*indexer_);
  if (status) status = coolSegments(coolIndex);
  return status ? Result<CheckpointResult>(std::move(result)) : status;
}

Status Shard::coolSegments(Cool cool) const {
  const Cooling cooling = isFrugal_ ? Cooling::All : Cooling::AsAsked;
  for (const Snapshot now = segments_.snapshot(); const auto& segment : *now.segments) {
    std::shared_ptr<const FiledSegment> filed;
    {
      std::lock_guard lock(files_);
      const auto known = segmentFiles_.find(segment->number());
      if (known != segmentFiles_.end()) filed = known->second.filed;
    }
    // If the file is gone, another one replaced it, and the next checkpoint names that one.
    if (filed && exists(filed->path)) VICINAL_TRY(cool(*segment, *filed, cooling));
  }
  return Status::ok();
}

Status Shard::shed(bool everything) {
  isFrugal_ = true;
  // A running checkpoint cools the data at its end.
  std::unique_lock one(checkpoint_, std::try_to_lock);
  Status status = one ? coolSegments(coolData) : Status::ok();
  indexer_->forbidValueSpaces();
  const Snapshot now = segments_.snapshot();
  for (const auto& segment : *now.segments) {
    segment->valueSpaces().forbid();
    segment->shedData();
  }
  if (!everything) return status;
  const Indexer::Pause cooling(*indexer_);
  if (one && status) status = coolSegments(coolIndex);
  for (const auto& segment : *now.segments) segment->shedIndex();
  return status;
}

Result<uint32_t> Shard::openSegment(const SegmentSource& source, bool resume) {
  uint32_t number = 0;
  {
    std::lock_guard lock(writer_);
    number = segments_.takeNumber();
  }
  auto opened = vicinal::openSegment(source, number, spec_.vectors, spec_.sparse,
                                     resume ? spec_.segmentBytes : 0);
  if (!opened) return opened.status();
  Segment& segment = *opened->segment;
  {
    std::lock_guard lock(writer_);
    std::lock_guard files(files_);
    // A file with dropped vectors is rewritten by the next checkpoint.
    if (!opened->hasDropped)
      segmentFiles_[number] = {
          opened->file,          opened->overlay,
          segment.rows(),        linkedOf(segment),
          segment.deletedRows(), segment.payloads().overlayChanges(),
          measuredOf(segment),   std::make_shared<const FiledSegment>(std::move(opened->filed))};
  }
  {
    std::lock_guard lock(writer_);
    for (const IndexField& field : segments_.indexFields()) {
      if (auto filed = filedIndex(segment, field))
        segment.adoptIndex(std::move(filed));
      else if (Status status = segment.addIndex(field); !status)
        return status;
    }
    segments_.add(opened->segment, resume);
    advance(opened->throughSeq);
  }
  indexer_->kick();
  return number;
}

} // namespace vicinal
