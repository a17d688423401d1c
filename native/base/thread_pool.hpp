// The kernel's own threads, separate from libuv's, so that searches never wait for file I/O or for
// index building.
//
// Invariants
// - One pool a process, shared by every shard and every Node environment. It is never destroyed:
//   threads that run at process exit must not find it gone. (Pools made by tests are ordinary
//   objects that join in their destructor.)
// - Searches and writes have threads of their own, building has others, as many of each. Build
//   threads are of lower priority (`nice`). So the scheduler puts one aside at once where a search,
//   a write or the thread that runs JavaScript wants its core. Where all cores are wanted all the
//   time, a build thread still gets a share, since tails without a graph make searches slow. The
//   two share no lock, so that a serving thread never waits for one that was put aside.
// - A free thread takes the oldest search before the oldest write. But a write that has waited for
//   as long as it may goes first: searches without a pause would keep it waiting for ever. A task
//   that runs is not interrupted.
// - Build tasks are short all the same (a few milliseconds) and resubmit themselves for the rest:
//   checkpoints and closing wait for running ones.
// - Of the sleeping threads the one that fell asleep last is woken: its core's caches are still
//   warm, and the others may go on sleeping.
// - The submitting thread pays for waking another.
// - Where the system refuses a thread, the existing threads do its work, and the pool asks again
//   now and then. Where there is no thread at all, `submit` throws, and no thread has the task.
// - Tasks throw nothing: each reports its failure itself.
// - Tasks do not block on other tasks of the pool. Build tasks submit no serving tasks: a thread
//   begins with the priority of the thread that starts it.
#pragma once

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
// Longest time that a write waits behind searches.
inline constexpr std::chrono::milliseconds kLongestWait(5);

// Threads that take tasks from queues. A thread takes from the first queue that has a task, or from
// a later queue whose first task has waited too long. Threads start with the first task.
class Crew {
public:
  using Task = std::function<void()>;

  Crew(const char* name, int nice, unsigned threads, size_t queues,
       std::chrono::milliseconds longestWait)
      : name_(name), nice_(nice), threads_(threads), longestWait_(longestWait), queues_(queues) {
    asleep_.reserve(threads);
  }
  // Runs all submitted tasks, then joins the threads.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  using Clock = std::chrono::steady_clock;

  // Throws if there is no memory or no thread for the task.
  void submit(size_t queue, Task task);
  size_t waiting(size_t queue) const;

private:
  struct Waiting {
    Task task;
    Clock::time_point since;
  };
  struct Worker {
    std::thread thread;
    std::condition_variable wake;
    bool isWoken = false;
  };

  // Call with the mutex held. Null if no task waits.
  Task takeNext();
  void sleep(Worker& worker, std::unique_lock<std::mutex>& lock);
  // Starts the missing threads.
  void start();
  void run(Worker& worker);

  const char* const name_;
  const int nice_;
  const unsigned threads_;
  const std::chrono::milliseconds longestWait_;
  mutable std::mutex mutex_;
  std::vector<std::deque<Waiting>> queues_;
  // A deque, so that workers never move.
  std::deque<Worker> workers_;
  // The time of the next attempt to start a refused thread.
  Clock::time_point startAgainAt_{};
  // Sleeping threads; the last one fell asleep last.
  std::vector<Worker*> asleep_;
  bool stopping_ = false;
};

class ThreadPool {
public:
  using Task = Crew::Task;

  explicit ThreadPool(unsigned threads, std::chrono::milliseconds longestWait = kLongestWait);

  // The process's pool: VICINAL_THREADS threads (1 to 1024) in each crew; the default is the number
  // of usable cores.
  static ThreadPool& shared();

  void submit(Lane lane, Task task) { crewOf(lane).submit(queueOf(lane), std::move(task)); }

  unsigned threads() const { return threads_; }
  // Tasks of a lane that wait for a thread.
  size_t waiting(Lane lane) const {
    return (lane == Lane::Build ? builders_ : servers_).waiting(queueOf(lane));
  }

private:
  Crew& crewOf(Lane lane) { return lane == Lane::Build ? builders_ : servers_; }
  static size_t queueOf(Lane lane) { return lane == Lane::Insert ? 1 : 0; }

  const unsigned threads_;
  // Declared first, so joined last: serving threads submit build tasks.
  Crew builders_;
  Crew servers_;
};

} // namespace vicinal
