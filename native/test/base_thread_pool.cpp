#include "base/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#ifdef __linux__
#include <sys/resource.h>
#include <unistd.h>
#endif

#include "base/cancel.hpp"
#include "test/harness.hpp"

using namespace vicinal;

namespace {

constexpr std::chrono::hours kLong(1);
constexpr std::chrono::milliseconds kShort(3);

// The nice value of the calling thread; the lowest priority is 19.
int priority() {
#ifdef __linux__
  return ::getpriority(PRIO_PROCESS, id_t(::gettid()));
#else
  return 0;
#endif
}

// Far longer than anything here takes on a busy machine.
constexpr std::chrono::minutes kHangs{5};

template <typename Condition> bool comes(const Condition& condition) {
  const auto until = std::chrono::steady_clock::now() + kHangs;
  while (!condition())
    if (std::chrono::steady_clock::now() > until) return false;
  return true;
}

} // namespace

TEST("the thread that fell asleep last is woken first") {
  ThreadPool pool(4);
  const auto runsOn = [&] {
    std::promise<std::thread::id> ran;
    pool.submit(Lane::Search, [&] { ran.set_value(std::this_thread::get_id()); });
    return ran.get_future().get();
  };
  // On a busy machine a thread may start or fall asleep late, which ends a row of tasks on one
  // thread. In turns there would be no such row; at random, one of eight would hardly ever come.
  std::thread::id last;
  int inARow = 0;
  for (int tasks = 0; tasks < 200 && inARow < 8; tasks++) {
    const std::thread::id next = runsOn();
    inARow = next == last ? inARow + 1 : 1;
    last = next;
    // Gives the thread time to fall asleep, which has no event.
    std::this_thread::sleep_for(std::chrono::milliseconds(test::isSlow() ? 200 : 50));
  }
  CHECK(inARow >= 8);
}

TEST("a free thread takes searches before writes") {
  ThreadPool pool(1, kLong);
  std::promise<void> release;
  std::promise<void> started;
  pool.submit(Lane::Insert, [&] {
    started.set_value();
    release.get_future().wait();
  });
  started.get_future().wait();
  std::string order;
  std::promise<void> done;
  pool.submit(Lane::Insert, [&] {
    order += "i";
    done.set_value();
  });
  pool.submit(Lane::Search, [&] { order += "s"; });
  pool.submit(Lane::Search, [&] { order += "t"; });
  CHECK_EQUAL(pool.waiting(Lane::Search), size_t(2));
  release.set_value();
  done.get_future().wait();
  CHECK_EQUAL(order, "sti");
}

TEST("a stream of searches does not starve writes") {
  ThreadPool pool(1, kShort);
  std::atomic<int> others{0};
  std::promise<bool> done;
  const auto givesUp = std::chrono::steady_clock::now() + kHangs;
  std::function<void()> search = [&] {
    if (others == 1 || std::chrono::steady_clock::now() > givesUp)
      done.set_value(others == 1);
    else
      pool.submit(Lane::Search, search);
  };
  pool.submit(Lane::Search, search);
  pool.submit(Lane::Insert, [&] { others++; });
  CHECK(done.get_future().get());
}

TEST("build threads are separate and have a lower priority where the system supports it") {
  ThreadPool pool(1);
  std::promise<int> built;
  std::promise<std::pair<int, int>> done;
  // Each task waits for the other, so they need two threads.
  pool.submit(Lane::Search, [&, ofBuild = built.get_future().share()] {
    done.set_value({priority(), ofBuild.get()});
  });
  pool.submit(Lane::Build, [&] { built.set_value(priority()); });
  const auto [ofSearch, ofBuild] = done.get_future().get();
  CHECK_EQUAL(ofSearch, priority());
#ifdef __linux__
  CHECK(ofBuild > ofSearch || ofSearch == 19);
#else
  CHECK_EQUAL(ofBuild, ofSearch);
#endif
}

TEST("destroying a pool runs all submitted tasks, including those submitted by tasks") {
  std::atomic<int> ran{0};
  {
    ThreadPool pool(3);
    for (int i = 0; i < 100; i++)
      pool.submit(Lane::Insert, [&] {
        ran++;
        pool.submit(Lane::Build, [&] { ran++; });
      });
  }
  CHECK_EQUAL(ran.load(), 200);
}

TEST("a task's captures are gone before the next task runs") {
  ThreadPool pool(1);
  auto held = std::make_shared<int>(1);
  std::promise<long> uses;
  pool.submit(Lane::Search, [held] {});
  pool.submit(Lane::Search, [&] { uses.set_value(held.use_count()); });
  CHECK_EQUAL(uses.get_future().get(), 1L);
}

TEST("the process has one pool with at least one thread, and a set cancel flag stays set") {
  CHECK(&ThreadPool::shared() == &ThreadPool::shared());
  CHECK(ThreadPool::shared().threads() >= 1);
  CancelFlag flag;
  CHECK(!flag.isCancelled());
  flag.cancel();
  CHECK(flag.isCancelled());
}
