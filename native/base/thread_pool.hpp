// The kernel's own threads, apart from libuv's, so that searches never wait for file I/O or for
// index building.
//
// Invariants
// - One pool a process, shared by every shard and every Node environment. It is never destroyed:
//   threads that run at process exit must not find it gone. (Pools made by tests are ordinary
//   objects that join in their destructor.)
// - Searches and writes have threads of their own, building has others, as many of each. Those that
//   build are of lower priority (`nice`), so the scheduler puts one aside at once where a search, a
//   write or the thread that runs JavaScript wants its core; where all cores are wanted all the
//   time, it still gets a share, since without their graph tails make searches slow.
// - A free thread takes the oldest search before the oldest write. But a write that has waited for
// as
//   long as it may goes first: searches without a pause would keep it waiting for ever. A task that
//   runs is not interrupted.
// - Build tasks are short all the same (a few milliseconds) and resubmit themselves for the rest:
//   checkpoints and closing wait for those that run.
// - Tasks do not block on other tasks of the pool.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vicinal {

enum class Lane : uint8_t { Search, Insert, Build };
inline constexpr size_t laneCount = 3;
// How long a write waits behind searches.
inline constexpr std::chrono::milliseconds kLongestWait(5);

class ThreadPool {
public:
  using Task = std::function<void()>;

  explicit ThreadPool(unsigned threads, std::chrono::milliseconds longestWait = kLongestWait);
  // Runs every task that was submitted, then joins the threads.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // The process's pool: VICINAL_THREADS threads (1 to 1024) of either kind, by default as many as
  // this process may use cores.
  static ThreadPool& shared();

  // Threads of a kind start with its first task.
  void submit(Lane lane, Task task);

  unsigned threads() const { return threads_; }
  // Tasks of a lane that wait for a thread.
  size_t waiting(Lane lane) const;

private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Task task;
    Clock::time_point since;
  };

  // The threads of some lanes, in order of their turn.
  struct Crew {
    std::vector<Lane> lanes;
    bool isInBackground = false;
    std::condition_variable wake;
    std::vector<std::thread> workers;
  };

  // With the mutex held. Null where nothing waits.
  Task takeNext(const Crew& crew);
  void start(Crew& crew);
  void run(Crew& crew);
  Crew& crewOf(Lane lane) { return lane == Lane::Build ? builders_ : servers_; }

  const unsigned threads_;
  const std::chrono::milliseconds longestWait_;
  mutable std::mutex mutex_;
  std::array<std::deque<Waiting>, laneCount> lanes_;
  Crew servers_{{Lane::Search, Lane::Insert}, false, {}, {}};
  Crew builders_{{Lane::Build}, true, {}, {}};
  bool stopping_ = false;
};

} // namespace vicinal
