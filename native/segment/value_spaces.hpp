// Graphs of their own for keywords that many rows of a segment have and many queries name: a
// tenant, a language. A search for one walks among its rows alone (docs/design/filters.md).
//
// Which values are worth it is seen from the queries. Each search that names a value without such
// a graph notes what one would have spared it, and once that is what building one takes, one is
// built. So nobody waits or pays for a value that nobody asks for, and what was lost on the way to
// a graph is about what the graph takes.
//
// They are memory's alone: neither files nor other segments have them, and whoever opens the
// segment anew builds them by the queries of then. Where memory is short they go first.
//
// Threads: `publish` is the writer's; the rest is anyone's.
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

// A keyword in an indexed field, and the vector that is sought among the rows that have it.
struct ValueKey {
  size_t vector = 0;
  std::string field;
  std::string text;

  auto operator<=>(const ValueKey&) const = default;
};

class ValueSpaces {
public:
  // Of a segment, its payload indexes as they are now, and how many rows are published.
  struct Source {
    std::shared_ptr<const PayloadIndexes> indexes;
    uint32_t rows = 0;
  };

  // Fewer rows than that are scanned about as fast.
  static constexpr uint32_t kLeastRows = 2048;
  // What building takes, in distances of a walk: of measuring what recall costs, and of linking
  // each vertex (.6 s and 40 us of processor time on glosses, 100 us on words).
  static constexpr double kCostOfGraph = 2e7;
  static constexpr double kCostOfVertex = 2500;
  static constexpr double costOf(uint32_t rows) { return kCostOfGraph + kCostOfVertex * rows; }
  // All graphs of a vector together have so many times the vertices that the vector has.
  static constexpr double kMostOfVertices = 1;
  // And there are so many of them at most: every write looks for each one's value.
  static constexpr size_t kMostGraphs = 256;
  // Values that are remembered without a graph.
  static constexpr size_t kMostRemembered = 4096;
  // Vertices that are looked at to tell how many of all are dead.
  static constexpr uint32_t kDeadSample = 1024;

  // The space to search, counted as used; null where there is none yet. `deletedRows` are the
  // segment's, of which `isDead(row)` tells: how many of the space's live is counted again now and
  // then, on some of them.
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
  // That a search among these `rows` rows took so many distances more than it would have by a graph
  // of their own, in a vector that has so many vertices. True where a graph has become due.
  bool note(const ValueKey& value, uint32_t rows, double spared, uint32_t vertices);

  // Makes the space that is due, yet without a graph: true where there was one. `spaceOf(vector)`
  // gives the segment's own; `source()` what is in the segment at that moment.
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
    // Without memory for it, it is as if nobody had asked.
    return started && finished;
  }
  // Frees what was let go: for a thread that may take long.
  void bury();
  // All there are, to be indexed as others are.
  struct Member {
    size_t vector;
    std::shared_ptr<VectorSpace> space;
  };
  std::vector<Member> all() const;

  // The source's rows are to be seen: each space takes those with its value, and `publishRows` runs
  // before anyone begins another.
  template <typename PublishRows>
  void publish(const Source& source, const PublishRows& publishRows) {
    std::lock_guard lock(mutex_);
    if (count_ > 0) follow(source);
    publishRows();
  }
  // Of a field that has no index any more.
  void drop(const std::string& field);
  // For good.
  void forbid();

private:
  struct Entry {
    // In distances; less where there was no room.
    double spared = 0;
    // Searches that named the value since others were last weighed against it.
    uint64_t asked = 0;
    bool isBegun = false;
    std::shared_ptr<VectorSpace> space;
    // Rows below are in it.
    uint32_t takenTo = 0;
    // Of the segment, when those of the space were counted.
    uint32_t deletedRows = 0;

    // Whether so many more are deleted that, were they all of the space, it would show.
    bool isOutdated(uint32_t deletedNow) const {
      constexpr uint32_t kLeastMore = 64;
      constexpr uint32_t kShare = 16;
      const uint32_t more = std::max(kLeastMore, space->vertices() / kShare);
      return deletedNow > deletedRows && deletedNow - deletedRows >= more;
    }
  };
  using Entries = std::map<ValueKey, Entry>;

  // Null where it is not to be searched yet.
  Entry* used(const ValueKey& value);
  std::optional<ValueKey> takeDue();
  // The rows there are, which nobody sees yet.
  std::shared_ptr<VectorSpace>
  started(const ValueKey& value, std::shared_ptr<const VectorSpace> among, const Source& source);
  // Leaves the space where it came to nothing.
  void finishBeginning(const ValueKey& value, std::shared_ptr<VectorSpace>& space,
                       const Source& source);
  void follow(const Source& source);
  bool makeRoom(const ValueKey& value, uint32_t rows, uint32_t vertices);
  void forgetSome();
  // Its space goes when nobody holds it any more and somebody has time (`bury`).
  void release(Entry& entry);

  mutable std::mutex mutex_;
  Entries entries_;
  // With a space.
  size_t count_ = 0;
  std::optional<ValueKey> due_;
  bool isBeginning_ = false;
  bool isForbidden_ = false;
  std::vector<std::shared_ptr<VectorSpace>> released_;
};

} // namespace vicinal
