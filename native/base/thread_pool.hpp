// The kernel's own threads, separate from libuv's, so that searches never wait for file I/O or for
// index building.
//
// Invariants
// - Each process has one pool, shared by all shards and all Node environments. It is never
//   destroyed, because threads that run at process exit still use it. (Tests make pools of their
//   own, which join their threads in the destructor.)
// - There are two crews of equal size: serving threads run searches and writes, build threads build
//   indexes. Build threads have a lower priority (`nice`). The scheduler preempts them as soon as a
//   search, a write or the JavaScript thread wants the core. Under constant load build threads
//   still get a share of time, because unindexed tails make searches slow. The crews share no lock,
//   so a serving thread never waits for a preempted build thread.
// - A free thread takes the oldest search before the oldest write. A write that has waited for the
//   longest allowed time goes first, so that a stream of searches cannot starve it. Running tasks
//   are not interrupted.
// - Build tasks are short (a few milliseconds) and resubmit themselves, because checkpoints and
//   closing wait for running tasks.
// - The thread that fell asleep last is woken first: its core's caches still hold the working data,
//   and other threads may stay asleep.
// - The submitter pays for waking a thread. One serving thread at a time can be kept awake; it
//   takes the next task by itself.
// - If the system refuses a thread, the existing threads do its work, and the pool tries again from
//   time to time. If there is no thread at all, `submit` throws and drops the task.
// - Tasks throw nothing; each reports its own errors.
// - Tasks do not block on other tasks of the pool. Build tasks submit no serving tasks, because a
//   new thread inherits the priority of its creator.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vicinal {

// Tells the processor that this thread spins, so that the core can run its other thread.
inline void pauseThread() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

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
  // Until this time an idle thread polls for tasks; after it, it sleeps.
  void keepAwake(Clock::time_point until);
  bool isAwake() const { return isWatched_.load(std::memory_order_relaxed); }

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
  bool shouldWatch() const;
  void watch(std::unique_lock<std::mutex>& lock);
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
  // These are changed with the mutex held and read without it.
  std::atomic<size_t> queued_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> isWatched_{false};
  std::atomic<Clock::rep> awakeUntil_{0};
};

class ThreadPool {
public:
  using Task = Crew::Task;

  explicit ThreadPool(unsigned threads, std::chrono::milliseconds longestWait = kLongestWait);

  // The process's pool: VICINAL_THREADS threads (1 to 1024) in each crew; the default is the number
  // of usable cores.
  static ThreadPool& shared();

  void submit(Lane lane, Task task) { crewOf(lane).submit(queueOf(lane), std::move(task)); }

  void keepServerAwake(Crew::Clock::time_point until) { servers_.keepAwake(until); }
  bool isServerAwake() const { return servers_.isAwake(); }

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
