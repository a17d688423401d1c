#include "segment/value_spaces.hpp"

#include <algorithm>
#include <iterator>

#include "filter/indexed_values.hpp"

namespace vicinal {

namespace {

// A new space has room for this many times its present rows, and at least for kLeastRoom more.
constexpr uint64_t kRoom = 2;
constexpr uint64_t kLeastRoom = 8192;
// A space is searched if at most kMostTail vertices, plus one of kTailShare, are not in its graph.
constexpr uint32_t kMostTail = 1024;
constexpr uint32_t kTailShare = 64;
const Status kNotTaken(Code::TooLarge, "rows of a value have no room in its graph");

const PayloadIndex* keywordIndex(const PayloadIndexes& indexes, const std::string& field) {
  for (const auto& index : indexes)
    if (index->field() == field) return index->hasGraphs() ? index.get() : nullptr;
  return nullptr;
}

// Adds rows [from, to) that have the value. False if the value is not indexed or the space is full.
bool take(VectorSpace& space, const ValueKey& value, uint32_t from,
          const ValueSpaces::Source& source) {
  const PayloadIndex* const index = keywordIndex(*source.indexes, value.field);
  if (index == nullptr || index->covered() < source.rows) return false;
  bool hasRoom = true;
  index->readValues([&](const IndexedValues& values) {
    const RowList rows = values.texts.find(value.text);
    for (const RowList::Part& part : {rows.filed(), rows.added()})
      for (auto row = std::lower_bound(part.begin(), part.end(), from);
           row != part.end() && *row < source.rows && hasRoom; ++row)
        hasRoom = space.appendFromOther(*row).isOk();
  });
  space.publish();
  return hasRoom;
}

} // namespace

ValueSpaces::Entry* ValueSpaces::used(const ValueKey& value) {
  const auto known = entries_.find(value);
  if (known == entries_.end() || !known->second.space) return nullptr;
  Entry& entry = known->second;
  entry.asked++;
  const VectorSpace& space = *entry.space;
  const uint32_t linked = space.linked();
  const uint32_t all = space.vertices();
  // Unlinked vertices are scanned. Value spaces are linked last, so the tail may be long.
  const bool isCaughtUp = all - linked <= kMostTail + all / kTailShare;
  return space.measured() && isCaughtUp ? &entry : nullptr;
}

bool ValueSpaces::note(const ValueKey& value, uint32_t rows, double spared, uint32_t vertices) {
  std::lock_guard lock(mutex_);
  if (isForbidden_ || rows < kLeastRows) return false;
  if (entries_.size() >= kMostRemembered + count_ && !entries_.contains(value)) forgetSome();
  Entry& entry = entries_[value];
  if (entry.isBegun) return false;
  entry.spared += spared;
  entry.asked++;
  if (due_ || isBeginning_ || entry.spared < costOf(rows)) return false;
  if (!makeRoom(value, rows, vertices)) {
    // The value becomes due again after it would have spared half the cost once more.
    entry.spared = costOf(rows) / 2;
    return false;
  }
  entry.isBegun = true;
  due_ = value;
  return true;
}

// Releases spaces of values that are asked for less often, if that makes enough room. The counts of
// all values are halved afterwards, so that recent searches weigh more.
bool ValueSpaces::makeRoom(const ValueKey& value, uint32_t rows, uint32_t vertices) {
  const auto most = uint64_t(double(vertices) * kMostOfVertices);
  const uint64_t asked = entries_[value].asked;
  uint64_t taken = rows;
  std::vector<Entry*> askedLess;
  for (auto& [key, entry] : entries_) {
    if (!entry.space) continue;
    const bool isOfVector = key.vector == value.vector;
    if (isOfVector) taken += entry.space->vertices();
    if (isOfVector && entry.asked < asked) askedLess.push_back(&entry);
  }
  std::sort(askedLess.begin(), askedLess.end(),
            [](const Entry* a, const Entry* b) { return a->asked < b->asked; });
  size_t going = 0;
  for (size_t graphs = count_ + 1; taken > most || graphs > kMostGraphs; graphs--) {
    if (going == askedLess.size()) return false;
    taken -= askedLess[going++]->space->vertices();
  }
  for (size_t at = 0; at < going; at++) release(*askedLess[at]);
  for (auto& [key, entry] : entries_) entry.asked /= 2;
  return true;
}

void ValueSpaces::release(Entry& entry) {
  if (entry.space) {
    released_.push_back(std::move(entry.space));
    count_--;
  }
  entry = {};
}

void ValueSpaces::bury() {
  std::vector<std::shared_ptr<VectorSpace>> freed;
  std::lock_guard lock(mutex_);
  // A space that a search still uses must not be freed by that search, so it is kept for now.
  const auto held = std::partition(released_.begin(), released_.end(),
                                   [](const auto& space) { return space.use_count() > 1; });
  freed.assign(std::make_move_iterator(held), std::make_move_iterator(released_.end()));
  released_.erase(held, released_.end());
}

// Forgets the values with at most the mean spared cost, since they are farthest from a graph.
void ValueSpaces::forgetSome() {
  double sum = 0;
  for (const auto& [key, entry] : entries_) sum += entry.isBegun ? 0 : entry.spared;
  const double mean = sum / double(entries_.size() - count_);
  std::erase_if(entries_, [&](const auto& each) {
    return !each.second.isBegun && each.second.spared <= mean;
  });
}

std::optional<ValueKey> ValueSpaces::takeDue() {
  std::lock_guard lock(mutex_);
  isBeginning_ = isBeginning_ || due_;
  return std::exchange(due_, std::nullopt);
}

std::shared_ptr<VectorSpace> ValueSpaces::started(const ValueKey& value,
                                                  std::shared_ptr<const VectorSpace> among,
                                                  const Source& source) {
  const PayloadIndex* const index = keywordIndex(*source.indexes, value.field);
  if (index == nullptr) return nullptr;
  uint64_t rows = 0;
  index->readValues([&](const auto& values) { rows = values.texts.find(value.text).count(); });
  const uint64_t room =
      std::min(among->vertexCapacity(), std::max(kRoom * rows, rows + kLeastRoom));
  const uint32_t m = among->spec().payloadM;
  auto space = std::make_shared<VectorSpace>();
  if (!space->reserveAmong(std::move(among), m, room)) return nullptr;
  // Rows of the index may lack the vector.
  return take(*space, value, 0, source) && space->vertices() >= kLeastRows ? space : nullptr;
}

// Adds the rows written meanwhile. No writer runs now, so from here on `publish` adds exactly the
// rows that follow.
void ValueSpaces::finishBeginning(const ValueKey& value, std::shared_ptr<VectorSpace>& space,
                                  const Source& source) {
  // Reserved here so that releasing a space needs no memory.
  released_.reserve(released_.size() + count_ + 1);
  Entry& entry = entries_[value];
  release(entry);
  if (isForbidden_ || !space) return;
  const uint32_t vertices = space->vertices();
  const uint32_t from = vertices == 0 ? 0 : space->rowOf(vertices - 1) + 1;
  if (!take(*space, value, from, source)) return;
  entry.isBegun = true;
  entry.space = std::move(space);
  entry.takenTo = source.rows;
  count_++;
}

void ValueSpaces::follow(const Source& source) {
  for (auto& [value, entry] : entries_) {
    if (!entry.space) continue;
    const Status taken = attempt([&] {
      return take(*entry.space, value, entry.takenTo, source) ? Status::ok() : kNotTaken;
    });
    if (!taken) {
      release(entry);
      continue;
    }
    entry.takenTo = source.rows;
  }
}

std::vector<ValueSpaces::Member> ValueSpaces::all() const {
  std::lock_guard lock(mutex_);
  std::vector<Member> members;
  if (count_ == 0) return members;
  for (const auto& [value, entry] : entries_)
    if (entry.space) members.push_back({value.vector, entry.space});
  return members;
}

void ValueSpaces::drop(const std::string& field) {
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](auto& each) {
    if (each.first.field != field) return false;
    release(each.second);
    return true;
  });
  if (due_ && due_->field == field) due_.reset();
}

void ValueSpaces::forbid() {
  Entries gone;
  std::vector<std::shared_ptr<VectorSpace>> released;
  std::lock_guard lock(mutex_);
  isForbidden_ = true;
  gone.swap(entries_);
  released.swap(released_);
  count_ = 0;
  due_.reset();
}

} // namespace vicinal
