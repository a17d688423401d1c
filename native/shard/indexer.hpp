// Graph building behind the tail. Jobs on the pool's build lane claim small slices of vertices that
// are published and not linked, link them, and put themselves back into the lane while there is
// more, so that checkpoints and closing need not wait. As many jobs run as the pool has threads
// that build. Where there is nothing to link, they measure what recall costs, and then begin the
// graphs of values that are due (segment/value_spaces.hpp).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/thread_pool.hpp"
#include "search/code_choice.hpp"
#include "shard/segment_set.hpp"

namespace vicinal {

class Indexer : public std::enable_shared_from_this<Indexer> {
public:
  using Done = std::function<void(Status)>;

  Indexer(const SegmentSet& segments, ThreadPool& pool) : segments_(&segments), pool_(pool) {}

  // There may be new vertices, or something else to be done.
  void kick() { kick(pool_.threads()); }
  // There are so many new rows: to wake more threads than they keep busy is in vain.
  void kickFor(size_t rows);
  // Calls back, from any thread, once every vector present now is linked and what recall costs has
  // been measured where that is due (CLOSED when the shard closes first).
  void wait(Done done);
  // What recall costs is measured anew in every space of a vector, on these queries from now on.
  void calibrateAnew(size_t vector, std::shared_ptr<const LiveQueries> live);
  bool awaitsCalibration(size_t vector) const;
  // No graphs of values are begun any more.
  void forbidValueSpaces() { beginsValueSpaces_ = false; }
  void setEnabled(bool enabled);
  // Between the two no slice is being linked, and `linked()` of every space is all there is in its
  // graph.
  void pause();
  void resume();
  // That, for as long as there is one.
  class Pause {
  public:
    explicit Pause(Indexer& indexer) : indexer_(&indexer) { indexer.pause(); }
    ~Pause() { end(); }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    void end() {
      if (Indexer* const paused = std::exchange(indexer_, nullptr)) paused->resume();
    }

  private:
    Indexer* indexer_;
  };
  // Leaves the segments to another indexer, until it is enabled again; returns when no job touches
  // them. Measurements that are under way are given up, and due anew.
  void stand();
  // Ends building for good; returns when no job touches the segments any more.
  void close();

private:
  struct Waiter {
    Done done;
    // Vertices to be linked, a space each; the snapshot keeps the spaces alive.
    Snapshot snapshot;
    std::vector<std::pair<const VectorSpace*, uint32_t>> targets;

    Status aimAt(Snapshot now);
    bool isMet() const;
    // Nobody goes on linking a segment that was dropped; what lived in it is in another.
    bool isOutdated(const Snapshot& now) const;
  };

  void kick(unsigned mostJobs);
  // So many that link, as far as there are threads. Where none can be had, what waits is linked
  // once somebody kicks again.
  Status startJobs(unsigned most);
  Status submitJob();
  template <typename Act> auto apart(const Act& act);
  void runJob();
  // What a job found to do: much, where there is enough for another thread.
  enum class Work : uint8_t { None, Some, Much };
  Work doSlice();
  // The same where it may fail, which is told to those who wait.
  Work doSliceOrTell();
  // A vector's space in one segment, or one among the rows of a value.
  using Task = ValueSpaces::Member;
  static std::vector<Task> vectorsOf(const Snapshot& snapshot);
  static std::vector<Task> valuesOf(const Snapshot& snapshot);
  // Nothing where there is none for these spaces.
  std::optional<Work> workOn(const std::vector<Task>& tasks);
  std::optional<Work> linkSome(VectorSpace& space);
  bool calibrate(const std::vector<Task>& tasks);
  std::unique_ptr<CodeChoice> takeChoice(const std::vector<Task>& tasks);
  bool beginValueSpace(const Snapshot& snapshot);
  std::shared_ptr<const LiveQueries> liveQueries(size_t vector);
  void callWaiters(const Status& failure);

  const SegmentSet* segments_;
  ThreadPool& pool_;

  std::mutex mutex_;
  std::condition_variable idle_;
  // A list, since to take some out of it may not need memory.
  std::list<Waiter> waiters_;
  // Under way, and in no job's hands.
  std::vector<std::unique_ptr<CodeChoice>> choices_;
  // By vector; null where stored vectors are to be sought.
  std::vector<std::shared_ptr<const LiveQueries>> live_;
  unsigned jobs_ = 0;
  // Of these, in codes or measurements, and linking nothing meanwhile.
  unsigned occupied_ = 0;
  unsigned linking_ = 0;
  unsigned pauses_ = 0;
  bool isEnabled_ = true;
  std::atomic<bool> beginsValueSpaces_{true};
  bool isClosed_ = false;
  // More came while every job was about to end.
  bool isKicked_ = false;
};

} // namespace vicinal
