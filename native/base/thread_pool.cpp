#include "base/thread_pool.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

namespace vicinal {

namespace {

constexpr unsigned maxThreads = 1024;

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

} // namespace

ThreadPool::ThreadPool(unsigned threads, const LongestWaits& longestWaits)
    : threads_(threads > 0 ? threads : 1), longestWaits_(longestWaits) {}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

ThreadPool& ThreadPool::shared() {
  static ThreadPool* const pool = new ThreadPool(configuredThreads());
  return *pool;
}

void ThreadPool::submit(Lane lane, Task task) {
  {
    std::lock_guard lock(mutex_);
    lanes_[size_t(lane)].push_back({std::move(task), Clock::now()});
    if (workers_.empty()) start();
  }
  wake_.notify_one();
}

size_t ThreadPool::waiting(Lane lane) const {
  std::lock_guard lock(mutex_);
  return lanes_[size_t(lane)].size();
}

void ThreadPool::start() {
  workers_.reserve(threads_);
  for (unsigned i = 0; i < threads_; i++) {
    workers_.emplace_back([this] {
#ifdef __linux__
      ::pthread_setname_np(::pthread_self(), "vicinal");
#endif
      run();
    });
  }
}

ThreadPool::Task ThreadPool::takeNext() {
  const auto now = Clock::now();
  std::deque<Waiting>* first = nullptr;
  for (size_t lane = 0; lane < laneCount; lane++) {
    std::deque<Waiting>& waiting = lanes_[lane];
    if (waiting.empty()) continue;
    if (first == nullptr) {
      first = &waiting;
    } else if (now - waiting.front().since >= longestWaits_[lane]) {
      first = &waiting;
      break;
    }
  }
  if (first == nullptr) return nullptr;
  Task task = std::move(first->front().task);
  first->pop_front();
  return task;
}

void ThreadPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    Task task = takeNext();
    if (task) {
      lock.unlock();
      task();
      task = nullptr; // what it holds is destroyed outside the lock
      lock.lock();
    } else if (stopping_) {
      return;
    } else {
      wake_.wait(lock);
    }
  }
}

} // namespace vicinal
