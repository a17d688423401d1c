#pragma once

#include <node_api.h>
#include <uv.h>

#include <condition_variable>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <vector>

#include "base/cancel.hpp"
#include "base/status.hpp"
#include "base/thread_pool.hpp"
#include "binding/result_slab.hpp"

namespace vicinal::binding {

// What an asynchronous call consists of. `work` runs on the pool and touches nothing of
// JavaScript; `result` runs on the JavaScript thread when the work has gone well; `settled` always
// runs there, last.
struct Call {
  bool isRead = false;
  std::vector<napi_value> pins;
  std::shared_ptr<CancelFlag> cancel;
  std::function<Status()> work;
  std::function<napi_value(napi_env)> result;
  std::function<void()> settled;
};

// Reports the end of a call that is not one job of the pool, from any thread, once.
using Completion = std::function<void(Status)>;

// The addon in one JavaScript environment (the main thread or a worker). The pool belongs to the
// process; each environment has a mailbox into which finished calls are put and one thread-safe
// function that wakes its thread, which then settles everything in the mailbox in one go. The
// function holds the event loop open only while calls are pending.
//
// Short calls of one turn go to the pool together, before the event loop waits for what comes next.
//
// When an environment ends, its pending calls are asked to stop, and the teardown waits for those
// that are running, because they read memory that JavaScript owns. Calls that have not begun never
// begin. What finishes later finds the mailbox closed and goes nowhere.
class Environment {
public:
  static Environment* of(napi_env env);
  // Makes the environment's instance; false (with an exception pending) on failure.
  static bool install(napi_env env);

  // Whether a search or another read of this environment is pending. Writes are no reason to put
  // reads beside them on the pool: most of what they take is waiting for disks.
  bool isReading() const { return readCount_ + waitingCount_ > 0; }
  // Whether short searches are done on this thread, however many there are: the pool has no core
  // that this thread would not use itself.
  bool keepsSearches() const { return keepsSearches_; }
  void keepSearches() { keepsSearches_ = true; }
  // One that is pending and no call, but waits for a turn of this thread, as long as this is held.
  std::shared_ptr<void> waiting() {
    waitingCount_++;
    return {this, [](Environment* self) { self->waitingCount_--; }};
  }
  size_t waitingCount() const { return waitingCount_; }

  // For results of this environment.
  ResultSlab& slab() { return slab_; }

  // Runs a call on the pool, one of the search lane as a read; returns its promise.
  napi_value run(Lane lane, Call call);
  // Runs a search on the pool. To wake a thread for it takes about as long as a short one: those of
  // one turn of the event loop wait for its end, and share jobs.
  napi_value runSoon(Call call, double expectedNs);
  // Runs a call on a thread of its own: one that waits for disks, or for jobs of the pool.
  napi_value runAside(Call call);
  // Starts a call whose end `start`'s completion reports; `work` is not used.
  napi_value defer(Call call, const std::function<void(Completion)>& start);

private:
  struct Pending;
  struct Mailbox;
  struct Soon {
    Pending* pending;
    double expectedNs;
  };

  explicit Environment(napi_env env);
  Pending* enlist(Call call, napi_value* promise);
  static void perform(Pending* pending, Mailbox& mailbox);
  void settle(Pending* pending);
  void deliver();
  bool watchTurns();
  void submitSoon();
  void submitJob(const Soon* soon, size_t count);
  template <typename Start> void startOrReject(Pending* pending, const Start& start);
  static void teardown(void* self);

  napi_env env_;
  std::shared_ptr<Mailbox> mailbox_;
  napi_threadsafe_function wake_ = nullptr;
  // Of the JavaScript thread alone: all calls not yet settled.
  Pending* first_ = nullptr;
  size_t pendingCount_ = 0;
  size_t readCount_ = 0;
  size_t waitingCount_ = 0;
  bool keepsSearches_ = false;
  ResultSlab slab_;
  // Of this turn. The handle is active while there are any, and holds no event loop open.
  std::vector<Soon> soon_;
  uv_prepare_t* turnEnd_ = nullptr;
};

} // namespace vicinal::binding
