// Builds graphs for the tail. Jobs on the pool's build lane claim small slices of published
// vertices that are not linked, and link them. A job resubmits itself while there is more, so that
// checkpoints and closing need not wait. At most as many jobs run as the pool has build threads.
// When nothing is left to link, the jobs calibrate and then begin value graphs that are due
// (segment/value_spaces.hpp).
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

  // Call when there may be new vertices or other work.
  void kick() { kick(pool_.threads()); }
  // Call after `rows` new rows: wakes only as many threads as these keep busy.
  void kickFor(size_t rows);
  // Calls `done`, from any thread, once all present vectors are linked and every due calibration
  // has run. CLOSED if the shard closes first.
  void wait(Done done);
  // Calibrates every space of a vector again, on these queries from now on.
  void calibrateAnew(size_t vector, std::shared_ptr<const LiveQueries> live);
  bool awaitsCalibration(size_t vector) const;
  // Stops beginning value graphs.
  void forbidValueSpaces() { beginsValueSpaces_ = false; }
  void setEnabled(bool enabled);
  // Between `pause` and `resume` no slice is being linked, and `linked()` of every space covers its
  // whole graph.
  void pause();
  void resume();
  // Pauses for the life of the object.
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
  // Stops until enabled again, so that another indexer can work on the segments. Returns when no
  // job touches them. Running calibrations are dropped and become due again.
  void stand();
  // Stops for good. Returns when no job touches the segments any more.
  void close();

private:
  struct Waiter {
    Done done;
    // The number of vertices to be linked in each space. The snapshot keeps the spaces alive.
    Snapshot snapshot;
    std::vector<std::pair<const VectorSpace*, uint32_t>> targets;

    Status aimAt(Snapshot now);
    bool isMet() const;
    // Whether a segment was dropped meanwhile: its live rows are now in another segment, and it is
    // not linked any further.
    bool isOutdated(const Snapshot& now) const;
  };

  void kick(unsigned mostJobs);
  // Starts jobs until `most` are linking, up to the number of threads. If no job can be started,
  // the work waits for the next kick.
  Status startJobs(unsigned most);
  Status submitJob();
  template <typename Act> auto apart(const Act& act);
  void runJob();
  // The work that a job found: Much if there is enough for another thread.
  enum class Work : uint8_t { None, Some, Much };
  Work doSlice();
  // Like `doSlice`; tells the waiters of a failure.
  Work doSliceOrTell();
  // The space of a vector in one segment, or a value space.
  using Task = ValueSpaces::Member;
  static std::vector<Task> vectorsOf(const Snapshot& snapshot);
  static std::vector<Task> valuesOf(const Snapshot& snapshot);
  // Nothing if these spaces have no work.
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
  // A list, because removing a part of it must not need memory.
  std::list<Waiter> waiters_;
  // Calibrations that are under way and that no job holds.
  std::vector<std::unique_ptr<CodeChoice>> choices_;
  // By vector; null: stored vectors are searched for.
  std::vector<std::shared_ptr<const LiveQueries>> live_;
  unsigned jobs_ = 0;
  // Jobs that make codes or calibrate, and so link nothing.
  unsigned occupied_ = 0;
  unsigned linking_ = 0;
  unsigned pauses_ = 0;
  bool isEnabled_ = true;
  std::atomic<bool> beginsValueSpaces_{true};
  bool isClosed_ = false;
  // New work came while every job was about to end.
  bool isKicked_ = false;
};

} // namespace vicinal
