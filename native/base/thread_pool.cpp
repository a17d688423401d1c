#include "base/thread_pool.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/container.hpp"

#ifdef __linux__
#include <pthread.h>
#include <unistd.h>
#endif

namespace vicinal {

namespace {

constexpr unsigned maxThreads = 1024;
constexpr std::chrono::seconds kBetweenStarts(1);
// At this nice value, a thread gets about a tenth of the time of a serving thread on a shared core.
constexpr int kNice = 10;

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

// Lowers the priority of the calling thread, on systems where threads have priorities of their own.
void lowerPriority([[maybe_unused]] int by) {
#ifdef __linux__
  if (by > 0) [[maybe_unused]]
    const int now = ::nice(by);
#endif
}

} // namespace

Crew::~Crew() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  for (Worker& worker : workers_) worker.wake.notify_one();
  for (Worker& worker : workers_) worker.thread.join();
}

void Crew::submit(size_t queue, Task task) {
  Worker* woken = nullptr;
  {
    std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (workers_.size() < threads_ && now >= startAgainAt_) start();
    queues_[queue].push_back({std::move(task), now});
    if (!asleep_.empty()) {
      woken = asleep_.back();
      asleep_.pop_back();
      woken->isWoken = true;
    }
  }
  if (woken != nullptr) woken->wake.notify_one();
}

size_t Crew::waiting(size_t queue) const {
  std::lock_guard lock(mutex_);
  return queues_[queue].size();
}

void Crew::start() {
  while (workers_.size() < threads_) {
    const size_t before = workers_.size();
    try {
      Worker& worker = workers_.emplace_back();
      worker.thread = std::thread([this, &worker] {
        nameThread(name_);
        lowerPriority(nice_);
        run(worker);
      });
    } catch (...) {
      if (workers_.size() > before) workers_.pop_back();
      if (workers_.empty()) throw;
      startAgainAt_ = Clock::now() + kBetweenStarts;
      return;
    }
  }
}

Crew::Task Crew::takeNext() {
  const auto now = Clock::now();
  std::deque<Waiting>* first = nullptr;
  for (std::deque<Waiting>& waiting : queues_) {
    if (waiting.empty()) continue;
    if (first == nullptr || now - waiting.front().since >= longestWait_) first = &waiting;
  }
  if (first == nullptr) return nullptr;
  Task task = std::move(first->front().task);
  first->pop_front();
  return task;
}

void Crew::sleep(Worker& worker, std::unique_lock<std::mutex>& lock) {
  worker.isWoken = false;
  asleep_.push_back(&worker);
  worker.wake.wait(lock, [&] { return worker.isWoken || stopping_; });
  if (!worker.isWoken) std::erase(asleep_, &worker);
}

void Crew::run(Worker& worker) {
  std::unique_lock lock(mutex_);
  while (true) {
    Task task = takeNext();
    if (task) {
      lock.unlock();
      task();
      task = nullptr; // destroys its captures outside the lock
      lock.lock();
    } else if (stopping_) {
      return;
    } else {
      sleep(worker, lock);
    }
  }
}

ThreadPool::ThreadPool(unsigned threads, std::chrono::milliseconds longestWait)
    : threads_(std::max(1u, threads)), builders_("vicinal-build", kNice, threads_, 1, longestWait),
      servers_("vicinal", 0, threads_, 2, longestWait) {}

ThreadPool& ThreadPool::shared() {
  static ThreadPool* const pool = new ThreadPool(configuredThreads());
  return *pool;
}

} // namespace vicinal
