// Adds vectors to a shard or drops them, by making another shard over the same rows. Readers finish
// on the old shard; its memory is freed with the last of them.
#include <algorithm>

#include "shard/shard.hpp"

namespace vicinal {

namespace {

template <typename Spec> bool hasNamed(const std::vector<Spec>& specs, const std::string& name) {
  return std::any_of(specs.begin(), specs.end(),
                     [&](const Spec& spec) { return spec.name == name; });
}

bool isSameSpace(const VectorSpec& a, const VectorSpec& b) {
  return a.dim == b.dim && a.metric == b.metric && a.isMulti == b.isMulti &&
         a.datatype == b.datatype;
}

// A name must stand for the same vector before and after.
bool agree(const std::vector<VectorSpec>& before, const std::vector<VectorSpec>& after) {
  return std::all_of(after.begin(), after.end(), [&](const VectorSpec& spec) {
    const auto known = std::find_if(before.begin(), before.end(),
                                    [&](const VectorSpec& each) { return each.name == spec.name; });
    return known == before.end() || isSameSpace(*known, spec);
  });
}

} // namespace

Result<std::shared_ptr<Shard>> Shard::reshaped(Shard& from, ShardSpec spec) {
  if (!agree(from.spec_.vectors, spec.vectors))
    return Status(Code::InvalidArgument,
                  "vectors: a name cannot get other dimensions, metrics or datatypes");
  auto shard = std::make_shared<Shard>(std::move(spec), from.pool_);
  from.indexer_->stand();
  from.sparseIndexer_.stand();
  std::lock_guard lock(from.writer_);
  const Status taken = attempt([&] { return shard->takeFrom(from); });
  if (!taken) {
    from.indexer_->setEnabled(true);
    return taken;
  }
  shard->indexer_->kick();
  shard->sparseIndexer_.kick();
  return shard;
}

// Call with the other shard's writer lock held.
Status Shard::takeFrom(Shard& from) {
  auto segments = std::make_shared<SegmentList>();
  for (const Snapshot now = from.segments_.snapshot(); const auto& segment : *now.segments) {
    auto reshaped = Segment::reshaped(*segment, spec_.vectors, spec_.sparse);
    if (!reshaped) return reshaped.status();
    segments->push_back(reshaped.take());
  }
  segments_.takeOver(from.segments_, std::move(segments));
  changes_.takeOver(from.changes_);
  seq_ = from.seq_.load();
  isFrugal_ = from.isFrugal_.load();
  if (isFrugal_) indexer_->forbidValueSpaces();
  takeFiles(from);
  return Status::ok();
}

void Shard::takeFiles(const Shard& from) {
  const auto isDropped = [](const auto& before, const auto& after) {
    return std::any_of(before.begin(), before.end(),
                       [&](const auto& spec) { return !hasNamed(after, spec.name); });
  };
  if (isDropped(from.spec_.vectors, spec_.vectors) || isDropped(from.spec_.sparse, spec_.sparse))
    return;
  std::scoped_lock lock(from.files_, files_);
  for (const auto& [number, files] : from.segmentFiles_) {
    SegmentFiles& mine = segmentFiles_[number] = files;
    mine.linked.assign(spec_.vectors.size(), 0);
    mine.measured.assign(spec_.vectors.size(), nullptr);
    for (size_t at = 0; at < from.spec_.vectors.size(); at++) {
      const auto same =
          std::find_if(spec_.vectors.begin(), spec_.vectors.end(), [&](const VectorSpec& spec) {
            return spec.name == from.spec_.vectors[at].name;
          });
      mine.linked[size_t(same - spec_.vectors.begin())] = files.linked[at];
      mine.measured[size_t(same - spec_.vectors.begin())] = files.measured[at];
    }
  }
}

} // namespace vicinal
