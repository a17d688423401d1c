// The payload indexes of all segments, in memory and on disk.
#include <unistd.h>

#include <algorithm>

#include "base/memory_tally.hpp"
#include "filter/filed_index.hpp"
#include "segment/index_file.hpp"
#include "shard/shard.hpp"

namespace vicinal {

namespace {

void removeFile(const PayloadIndex& index) {
  if (const FiledIndex* filed = index.filed()) ::unlink(filed->path.c_str());
}

std::shared_ptr<const PayloadIndex> indexOf(const Segment& segment, const std::string& field) {
  for (const auto indexes = segment.indexes(); const auto& index : *indexes)
    if (index->field() == field) return index;
  return nullptr;
}

} // namespace

std::shared_ptr<PayloadIndex> Shard::filedIndex(const Segment& segment,
                                                const IndexField& field) const {
  if (!field.isOnDisk) return nullptr;
  FileStamp base;
  std::shared_ptr<const FiledSegment> filed;
  {
    std::lock_guard lock(files_);
    const auto known = segmentFiles_.find(segment.number());
    if (known == segmentFiles_.end() || !known->second.filed) return nullptr;
    base = known->second.base;
    filed = known->second.filed;
  }
  // A shard that does not write the collection must not change its folder.
  return fileIndex(segment, field, base, *filed, spec_.trackChanges);
}

// False if there is nothing to do, or if no file can be written; the index then stays in memory.
bool Shard::putFiled(const std::shared_ptr<Segment>& segment, const IndexField& field) {
  std::string path;
  {
    std::lock_guard lock(files_);
    const auto known = segmentFiles_.find(segment->number());
    if (known == segmentFiles_.end() || !known->second.filed) return false;
    path = indexPath(known->second.base.path, field);
  }
  const auto present = indexOf(*segment, field.field);
  if (present && present->filed() && present->filed()->path == path) return false;
  const auto index = filedIndex(*segment, field);
  if (!index) return false;
  segment->extendIndex(*index, segment->rows());
  std::lock_guard lock(writer_);
  // The field's index was dropped or replaced meanwhile.
  const auto& fields = segments_.indexFields();
  if (std::find(fields.begin(), fields.end(), field) == fields.end()) {
    removeFile(*index);
    return false;
  }
  segment->extendIndex(*index, segment->rows());
  segment->adoptIndex(index);
  return true;
}

void Shard::fileIndexes() {
  std::vector<IndexField> fields;
  {
    std::lock_guard lock(writer_);
    fields = segments_.indexFields();
  }
  std::erase_if(fields, [](const IndexField& field) { return !field.isOnDisk; });
  if (fields.empty() || !spec_.trackChanges) return;
  bool hasFiled = false;
  for (const Snapshot now = segments_.snapshot(); const auto& segment : *now.segments)
    for (const IndexField& field : fields) hasFiled = putFiled(segment, field) || hasFiled;
  // Frees the memory of the replaced indexes.
  if (hasFiled) trimHeap();
}

Status Shard::createPayloadIndex(const IndexField& field) {
  // Most rows are indexed while writes go on; rows added meanwhile are indexed under the writer's
  // lock.
  std::vector<std::pair<std::shared_ptr<Segment>, std::shared_ptr<PayloadIndex>>> built;
  if (auto valid = createIndex(field); !valid) return valid.status();
  const Snapshot snapshot = segments_.snapshot();
  for (const auto& segment : *snapshot.segments) {
    auto index = filedIndex(*segment, field);
    if (!index) index = createIndex(field).take();
    segment->extendIndex(*index, segment->rows());
    built.emplace_back(segment, std::move(index));
  }
  std::lock_guard lock(writer_);
  auto fields = segments_.indexFields();
  std::erase_if(fields, [&](const IndexField& known) { return known.field == field.field; });
  fields.push_back(field);
  for (const Snapshot now = segments_.snapshot(); const auto& segment : *now.segments) {
    const auto found = std::find_if(built.begin(), built.end(),
                                    [&](const auto& pair) { return pair.first == segment; });
    if (found == built.end()) {
      VICINAL_TRY(segment->addIndex(field));
      continue;
    }
    segment->extendIndex(*found->second, segment->rows());
    const auto before = indexOf(*segment, field.field);
    const FiledIndex* filed = found->second->filed();
    if (spec_.trackChanges && before && before->filed() &&
        (!filed || filed->path != before->filed()->path))
      removeFile(*before);
    segment->adoptIndex(found->second);
  }
  segments_.setIndexFields(std::move(fields));
  // Lets the indexer free dropped value graphs.
  indexer_->kick();
  return Status::ok();
}

void Shard::dropPayloadIndex(const std::string& field) {
  std::lock_guard lock(writer_);
  auto fields = segments_.indexFields();
  std::erase_if(fields, [&](const IndexField& known) { return known.field == field; });
  segments_.setIndexFields(std::move(fields));
  for (const Snapshot now = segments_.snapshot(); const auto& segment : *now.segments) {
    if (const auto index = indexOf(*segment, field); index && spec_.trackChanges)
      removeFile(*index);
    segment->dropIndex(field);
  }
  indexer_->kick();
}

} // namespace vicinal
