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

// An asynchronous call. `work` runs on the pool and does not touch JavaScript. `result` runs on the
// JavaScript thread if the work succeeded. `settled` always runs there, last.
struct Call {
  bool isRead = false;
  std::vector<napi_value> pins;
  std::shared_ptr<CancelFlag> cancel;
  std::function<Status()> work;
  std::function<napi_value(napi_env)> result;
  std::function<void()> settled;
};

// Reports the end of a call that is not a single job of the pool. Called once, from any thread.
using Completion = std::function<void(Status)>;

// The addon in one JavaScript environment (the main thread or a worker). The pool belongs to the
// process. Each environment has a mailbox for finished calls and one thread-safe function that
// wakes its thread, which then settles the whole mailbox at once. The function keeps the event loop
// alive only while calls are pending.
//
// Short calls of one turn go to the pool together, before the event loop waits for events.
//
// When an environment ends, its pending calls are cancelled. The teardown waits for running calls,
// because they read memory that JavaScript owns. Calls that have not begun never begin. A call that
// finishes later finds the mailbox closed and is dropped.
class Environment {
public:
  static Environment* of(napi_env env);
  // Makes the environment's instance; false (with an exception pending) on failure.
  static bool install(napi_env env);

  // Whether a search or another read of this environment is pending. Writes do not count, because
  // they mostly wait for disks, so the pool has time for reads.
  bool isReading() const { return readCount_ + waitingCount_ > 0; }
  // Whether this thread runs all short searches itself, because the pool has no core of its own.
  bool keepsSearches() const { return keepsSearches_; }
  void keepSearches() { keepsSearches_ = true; }
  // Counts a search that waits for a turn of this thread, for the life of the returned object.
  std::shared_ptr<void> waiting() {
    waitingCount_++;
    return {this, [](Environment* self) { self->waitingCount_--; }};
  }
  size_t waitingCount() const { return waitingCount_; }

  // Memory for results of this environment.
  ResultSlab& slab() { return slab_; }

  // Runs a call on the pool and returns its promise; a call of the search lane counts as a read.
  napi_value run(Lane lane, Call call);
  // Runs a search on the pool. Waking a thread takes about as long as a short search. So the
  // searches of one turn of the event loop are collected and share jobs.
  napi_value runSoon(Call call, double expectedNs);
  // Runs a call on a thread of its own, for calls that wait for disks or for jobs of the pool.
  napi_value runAside(Call call);
  // Starts a call that ends when `start` calls its completion; `work` is not used.
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
  // Used by the JavaScript thread only: all calls that are not settled.
  Pending* first_ = nullptr;
  size_t pendingCount_ = 0;
  size_t readCount_ = 0;
  size_t waitingCount_ = 0;
  bool keepsSearches_ = false;
  ResultSlab slab_;
  // Searches collected in this turn. The handle is active while there are any; it does not keep the
  // event loop alive.
  std::vector<Soon> soon_;
  uv_prepare_t* turnEnd_ = nullptr;
};

} // namespace vicinal::binding
