// Graphs for keywords that many rows of a segment have and many queries name, such as a tenant or a
// language. A search for such a value walks among its rows alone (docs/design/filters.md).
//
// Queries decide which values get a graph. Each search for a value without a graph adds the cost
// that a graph would have spared it. When the sum reaches the cost of building a graph, one is
// built. So values that are not asked for cost nothing, and the loss before a graph exists is about
// the cost of the graph.
//
// The graphs exist only in memory: they are not written to files or moved to other segments. After
// a restart they are built again as queries demand. When memory is short they are dropped first.
//
// Threads: only the writer calls `publish`; any thread may call the rest.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "filter/plan.hpp"
#include "segment/vector_space.hpp"

namespace vicinal {

// A keyword of an indexed field, and the vector that is searched among its rows.
struct ValueKey {
  size_t vector = 0;
  std::string field;
  std::string text;

  auto operator<=>(const ValueKey&) const = default;
};

class ValueSpaces {
public:
  // The present payload indexes of a segment, and its number of published rows.
  struct Source {
    std::shared_ptr<const PayloadIndexes> indexes;
    uint32_t rows = 0;
  };

  // Fewer rows are scanned about as fast.
  static constexpr uint32_t kLeastRows = 2048;
  // The cost of building, in distances of a walk: calibrating the graph, and linking each vertex.
  // On glosses these take 0.6 s and 40 us of processor time; on words linking takes 100 us.
  static constexpr double kCostOfGraph = 2e7;
  static constexpr double kCostOfVertex = 2500;
  static constexpr double costOf(uint32_t rows) { return kCostOfGraph + kCostOfVertex * rows; }
  // The most vertices of all value graphs of a vector, as a multiple of the vector's own vertices.
  static constexpr double kMostOfVertices = 1;
  // The most value graphs: every write looks up the value of each.
  static constexpr size_t kMostGraphs = 256;
  // The most values that are remembered without a graph.
  static constexpr size_t kMostRemembered = 4096;
  // Vertices that are sampled to estimate how many are dead.
  static constexpr uint32_t kDeadSample = 1024;

  // The space to search, counted as used; null if there is none yet. `deletedRows` is the segment's
  // count. When it has grown enough, the dead vertices of the space are estimated again with
  // `isDead(row)`.
  template <typename IsDead>
  std::shared_ptr<const VectorSpace> find(const ValueKey& value, uint32_t deletedRows,
                                          const IsDead& isDead) {
    std::lock_guard lock(mutex_);
    Entry* const entry = used(value);
    if (entry == nullptr) return nullptr;
    if (entry->isOutdated(deletedRows)) {
      entry->space->sampleDead(isDead, kDeadSample);
      entry->deletedRows = deletedRows;
    }
    return entry->space;
  }
  // Notes that a search among these `rows` rows took `spared` more distances than with a graph of
  // the value; the vector has `vertices` vertices. True if a graph has become due.
  bool note(const ValueKey& value, uint32_t rows, double spared, uint32_t vertices);

  // Makes the space that is due, still without links; true if there was one. `spaceOf(vector)`
  // returns the segment's space; `source()` the segment's present rows and indexes.
  template <typename SpaceOf, typename SourceOf>
  bool begin(const SpaceOf& spaceOf, const SourceOf& source) {
    const auto due = takeDue();
    if (!due) return false;
    std::shared_ptr<VectorSpace> space;
    const Status started = attempt([&] {
      space = this->started(*due, spaceOf(due->vector), source());
      return Status::ok();
    });
    std::lock_guard lock(mutex_);
    const Status finished = attempt([&] {
      finishBeginning(*due, space, source());
      return Status::ok();
    });
    isBeginning_ = false;
    // Without enough memory the request is dropped.
    return started && finished;
  }
  // Frees released spaces; call on a thread that may take long.
  void bury();
  // All spaces, to be linked like others.
  struct Member {
    size_t vector;
    std::shared_ptr<VectorSpace> space;
  };
  std::vector<Member> all() const;

  // Publishes the source's rows: each space first takes the rows with its value, then `publishRows`
  // runs. No space can begin in between.
  template <typename PublishRows>
  void publish(const Source& source, const PublishRows& publishRows) {
    std::lock_guard lock(mutex_);
    if (count_ > 0) follow(source);
    publishRows();
  }
  // Drops the spaces of a field whose index is gone.
  void drop(const std::string& field);
  // Drops all spaces and allows no new ones.
  void forbid();

private:
  struct Entry {
    // Distances that a graph would have spared; reduced if there was no room for one.
    double spared = 0;
    // Searches for the value since the counts were last halved.
    uint64_t asked = 0;
    bool isBegun = false;
    std::shared_ptr<VectorSpace> space;
    // The space has all rows of the value below this row.
    uint32_t takenTo = 0;
    // Deleted rows of the segment when the space's dead vertices were last estimated.
    uint32_t deletedRows = 0;

    // Whether enough rows were deleted since that it would matter if all were in this space.
    bool isOutdated(uint32_t deletedNow) const {
      constexpr uint32_t kLeastMore = 64;
      constexpr uint32_t kShare = 16;
      const uint32_t more = std::max(kLeastMore, space->vertices() / kShare);
      return deletedNow > deletedRows && deletedNow - deletedRows >= more;
    }
  };
  using Entries = std::map<ValueKey, Entry>;

  // Null if the space cannot be searched yet.
  Entry* used(const ValueKey& value);
  std::optional<ValueKey> takeDue();
  // Makes a space with the present rows; it is not shared yet.
  std::shared_ptr<VectorSpace>
  started(const ValueKey& value, std::shared_ptr<const VectorSpace> among, const Source& source);
  // Keeps the space in `space` if it cannot be used, so that the caller frees it.
  void finishBeginning(const ValueKey& value, std::shared_ptr<VectorSpace>& space,
                       const Source& source);
  void follow(const Source& source);
  bool makeRoom(const ValueKey& value, uint32_t rows, uint32_t vertices);
  void forgetSome();
  // Removes the entry. `bury` frees its space later, when no search uses it any more.
  void release(Entry& entry);

  mutable std::mutex mutex_;
  Entries entries_;
  // The number of entries with a space.
  size_t count_ = 0;
  std::optional<ValueKey> due_;
  bool isBeginning_ = false;
  bool isForbidden_ = false;
  std::vector<std::shared_ptr<VectorSpace>> released_;
};

} // namespace vicinal
