#include "base/thread_pool.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#endif

namespace vicinal {

namespace {

constexpr unsigned maxThreads = 1024;
// Weighs about a tenth of what serves on a core that both want.
constexpr int kNice = 10;

unsigned usableCores() {
#ifdef __linux__
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return unsigned(CPU_COUNT(&set));
#endif
  const unsigned cores = std::thread::hardware_concurrency();
  return cores > 0 ? cores : 1;
}

unsigned configuredThreads() {
  if (const char* text = std::getenv("VICINAL_THREADS")) {
    char* end = nullptr;
    const long wanted = std::strtol(text, &end, 10);
    if (end != text && *end == '\0' && wanted >= 1 && wanted <= long(maxThreads))
      return unsigned(wanted);
  }
  return std::min(usableCores(), maxThreads);
}

void nameThread([[maybe_unused]] const char* name) {
#ifdef __linux__
  ::pthread_setname_np(::pthread_self(), name);
#endif
}

// Of the calling thread, where threads have priorities of their own.
void yieldToOthers() {
#ifdef __linux__
  [[maybe_unused]] const int now = ::nice(kNice);
#endif
}

} // namespace

ThreadPool::ThreadPool(unsigned threads, std::chrono::milliseconds longestWait)
    : threads_(threads > 0 ? threads : 1), longestWait_(longestWait) {}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  // What serves may still hand something on to be built.
  for (Crew* crew : {&servers_, &builders_}) {
    crew->wake.notify_all();
    for (std::thread& worker : crew->workers) worker.join();
  }
}

ThreadPool& ThreadPool::shared() {
  static ThreadPool* const pool = new ThreadPool(configuredThreads());
  return *pool;
}

void ThreadPool::submit(Lane lane, Task task) {
  Crew& crew = crewOf(lane);
  {
    std::lock_guard lock(mutex_);
    lanes_[size_t(lane)].push_back({std::move(task), Clock::now()});
    if (crew.workers.empty()) start(crew);
  }
  crew.wake.notify_one();
}

size_t ThreadPool::waiting(Lane lane) const {
  std::lock_guard lock(mutex_);
  return lanes_[size_t(lane)].size();
}

void ThreadPool::start(Crew& crew) {
  crew.workers.reserve(threads_);
  for (unsigned i = 0; i < threads_; i++) {
    crew.workers.emplace_back([this, &crew] {
      nameThread(crew.isInBackground ? "vicinal-build" : "vicinal");
      if (crew.isInBackground) yieldToOthers();
      run(crew);
    });
  }
}

ThreadPool::Task ThreadPool::takeNext(const Crew& crew) {
  const auto now = Clock::now();
  std::deque<Waiting>* first = nullptr;
  for (const Lane lane : crew.lanes) {
    std::deque<Waiting>& waiting = lanes_[size_t(lane)];
    if (waiting.empty()) continue;
    if (first == nullptr || now - waiting.front().since >= longestWait_) first = &waiting;
  }
  if (first == nullptr) return nullptr;
  Task task = std::move(first->front().task);
  first->pop_front();
  return task;
}

void ThreadPool::run(Crew& crew) {
  std::unique_lock lock(mutex_);
  while (true) {
    Task task = takeNext(crew);
    if (task) {
      lock.unlock();
      task();
      task = nullptr; // what it holds is destroyed outside the lock
      lock.lock();
    } else if (stopping_) {
      return;
    } else {
      crew.wake.wait(lock);
    }
  }
}

} // namespace vicinal
