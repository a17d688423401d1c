// The kernel's own threads, apart from libuv's, so that searches never wait for file I/O or for
// index building.
//
// Invariants
// - One pool a process, shared by every shard and every Node environment. It is never destroyed:
// threads that run at
//   process exit must not find it gone. (Pools made by tests are ordinary objects that join in
//   their destructor.)
// - A free thread takes the oldest task of the first lane that has one: Search before Insert before
// Build. But one that has waited for as long as its lane may goes first: searches without a pause
// would keep writes waiting for ever, and tails from getting their graph, which makes searches
// slow. A task
//   that runs is not interrupted, so Build and Insert tasks are made short (a few milliseconds) and
//   resubmit themselves for the rest.
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
// How long a task waits behind those of lanes before its own. Slices of building take some
// milliseconds and queue again, so they get about a seventh of a busy thread.
using LongestWaits = std::array<std::chrono::milliseconds, laneCount>;
inline constexpr LongestWaits kLongestWaits = {
    std::chrono::milliseconds(0), std::chrono::milliseconds(5), std::chrono::milliseconds(20)};

class ThreadPool {
public:
  using Task = std::function<void()>;

  explicit ThreadPool(unsigned threads, const LongestWaits& longestWaits = kLongestWaits);
  // Runs every task that was submitted, then joins the threads.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // The process's pool: VICINAL_THREADS threads (1 to 1024), by default as many as this process may
  // use cores.
  static ThreadPool& shared();

  // Threads start with the first task.
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

  // With the mutex held. Null where nothing waits.
  Task takeNext();
  void start();
  void run();

  const unsigned threads_;
  const LongestWaits longestWaits_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::array<std::deque<Waiting>, laneCount> lanes_;
  std::vector<std::thread> workers_;
  bool stopping_ = false;
};

} // namespace vicinal
