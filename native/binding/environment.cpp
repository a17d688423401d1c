#include "binding/environment.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/work_meter.hpp"
#include "binding/arguments.hpp"

namespace vicinal::binding {

namespace {

// A job of this length is well worth waking a thread.
constexpr double kJobNs = 100'000;
// The most calls of one job, however short they seem: a wrong estimate delays only these.
constexpr size_t kMostCallsOfJob = 16;

} // namespace

// A call under way. Its present holder owns it: the pool's job, then the mailbox, then the
// JavaScript thread.
struct Environment::Pending {
  Call call;
  Status status;
  napi_deferred deferred = nullptr;
  std::vector<napi_ref> pins;
  Pending* next = nullptr;
  Pending* previous = nullptr;
  // The next one in the list of finished calls.
  Pending* nextFinished = nullptr;
};

struct Environment::Mailbox {
  std::mutex mutex;
  std::condition_variable idle;
  // Finished calls in order; linked, so that reporting an end needs no memory.
  Pending* firstFinished = nullptr;
  Pending* lastFinished = nullptr;
  napi_threadsafe_function wake = nullptr;
  size_t running = 0;
  bool closed = false;

  bool enter() {
    std::lock_guard lock(mutex);
    if (closed) return false;
    running++;
    return true;
  }

  // If the mailbox is closed, the call is deleted here: its promise and pins are gone with their
  // environment.
  void post(Pending* pending, bool wasRunning) {
    std::unique_lock lock(mutex);
    if (wasRunning) running--;
    if (closed) {
      idle.notify_all();
      lock.unlock();
      delete pending;
      return;
    }
    // One wake-up serves all calls that finish before the thread runs.
    const bool isFirst = firstFinished == nullptr;
    (isFirst ? firstFinished : lastFinished->nextFinished) = pending;
    lastFinished = pending;
    if (isFirst) napi_call_threadsafe_function(wake, nullptr, napi_tsfn_nonblocking);
  }
};

Environment::Environment(napi_env env) : env_(env), mailbox_(std::make_shared<Mailbox>()) {}

Environment* Environment::of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Environment*>(data);
}

bool Environment::install(napi_env env) {
  // The pool's threads start with the first task.
  ThreadPool::shared();
  auto* self = new Environment(env);
  napi_value name;
  napi_create_string_utf8(env, "vicinal", NAPI_AUTO_LENGTH, &name);
  const auto deliver = [](napi_env live, napi_value, void* context, void*) {
    if (live != nullptr) static_cast<Environment*>(context)->deliver();
  };
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, self,
                                      deliver, &self->wake_) != napi_ok) {
    throwError(env, "INTERNAL", "the kernel's completions cannot be delivered");
    delete self;
    return false;
  }
  self->mailbox_->wake = self->wake_;
  if (!self->watchTurns()) {
    throwError(env, "INTERNAL", "the kernel cannot watch the event loop");
    return false;
  }
  napi_unref_threadsafe_function(env, self->wake_);
  // Hooks run in reverse order, so this one, which closes the mailbox, runs before that of the
  // thread-safe function.
  napi_add_env_cleanup_hook(env, teardown, self);
  napi_set_instance_data(env, self, nullptr, nullptr);
  return true;
}

// The event loop frees the handle, because it may outlive the environment.
bool Environment::watchTurns() {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok) return false;
  turnEnd_ = new uv_prepare_t;
  uv_prepare_init(loop, turnEnd_);
  turnEnd_->data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(turnEnd_));
  return true;
}

void Environment::teardown(void* data) {
  auto* self = static_cast<Environment*>(data);
  for (Pending* pending = self->first_; pending != nullptr; pending = pending->next) {
    if (pending->call.cancel) pending->call.cancel->cancel();
  }
  uv_close(reinterpret_cast<uv_handle_t*>(self->turnEnd_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_prepare_t*>(handle); });
  for (const Soon& soon : self->soon_) delete soon.pending;
  self->soon_.clear();
  std::unique_lock lock(self->mailbox_->mutex);
  self->mailbox_->closed = true;
  self->mailbox_->idle.wait(lock, [&] { return self->mailbox_->running == 0; });
  // The instance is never freed, because finalizers of handles may still use it. It is one small
  // object for each environment.
}

Environment::Pending* Environment::enlist(Call call, napi_value* promise) {
  std::unique_ptr<Pending> made;
  // A caller that counts its calls must hear of a call that never begins.
  try {
    made = std::make_unique<Pending>();
    made->pins.reserve(call.pins.size());
    if (soon_.size() == soon_.capacity()) soon_.reserve(2 * soon_.size() + kMostCallsOfJob);
  } catch (...) {
    if (call.settled) call.settled();
    throw;
  }
  if (napi_create_promise(env_, &made->deferred, promise) != napi_ok) {
    if (call.settled) call.settled();
    return nullptr;
  }
  Pending* const pending = made.release();
  pending->call = std::move(call);
  for (napi_value value : pending->call.pins) {
    napi_ref reference = nullptr;
    if (value != nullptr && napi_create_reference(env_, value, 1, &reference) == napi_ok)
      pending->pins.push_back(reference);
  }
  pending->call.pins.clear();
  pending->next = first_;
  if (first_ != nullptr) first_->previous = pending;
  first_ = pending;
  readCount_ += pending->call.isRead ? 1 : 0;
  if (pendingCount_++ == 0) napi_ref_threadsafe_function(env_, wake_);
  return pending;
}

void Environment::perform(Pending* pending, Mailbox& mailbox) {
  if (!mailbox.enter()) {
    delete pending;
    return;
  }
  // A call that was cancelled while it waited does not begin.
  pending->status = attempt([&] {
    VICINAL_TRY(WorkMeter(pending->call.cancel.get()).look());
    return pending->call.work();
  });
  mailbox.post(pending, true);
}

// If `start` throws, no other code knows of the call, so its promise is rejected here.
template <typename Start> void Environment::startOrReject(Pending* pending, const Start& start) {
  const Status started = attempt([&] {
    start();
    return Status::ok();
  });
  if (started) return;
  pending->status = started;
  mailbox_->post(pending, false);
}

napi_value Environment::run(Lane lane, Call call) {
  napi_value promise = nullptr;
  call.isRead = lane == Lane::Search;
  Pending* pending = enlist(std::move(call), &promise);
  if (pending == nullptr) return nullptr;
  startOrReject(pending, [&] {
    ThreadPool::shared().submit(lane,
                                [pending, mailbox = mailbox_] { perform(pending, *mailbox); });
  });
  return promise;
}

napi_value Environment::runSoon(Call call, double expectedNs) {
  if (!(expectedNs < kJobNs)) return run(Lane::Search, std::move(call));
  napi_value promise = nullptr;
  call.isRead = true;
  Pending* pending = enlist(std::move(call), &promise);
  if (pending == nullptr) return nullptr;
  if (soon_.empty()) {
    uv_prepare_start(turnEnd_, [](uv_prepare_t* handle) {
      static_cast<Environment*>(handle->data)->submitSoon();
    });
  }
  soon_.push_back({pending, expectedNs});
  return promise;
}

// A job is long enough to be worth a thread, and no longer, since other threads may be free. One
// core is left for this thread, which has the next calls to read.
void Environment::submitSoon() {
  uv_prepare_stop(turnEnd_);
  const unsigned others = std::max(2u, ThreadPool::shared().threads()) - 1;
  double allNs = 0;
  for (const Soon& soon : soon_) allNs += soon.expectedNs;
  const double jobNs = std::max(kJobNs, allNs / others);
  double expectedNs = 0;
  size_t from = 0;
  for (size_t to = 1; to <= soon_.size(); to++) {
    expectedNs += soon_[to - 1].expectedNs;
    if (to < soon_.size() && expectedNs < jobNs && to - from < kMostCallsOfJob) continue;
    submitJob(&soon_[from], to - from);
    from = to;
    expectedNs = 0;
  }
  soon_.clear();
}

void Environment::submitJob(const Soon* soon, size_t count) {
  const Status submitted = attempt([&] {
    std::vector<Pending*> calls;
    calls.reserve(count);
    for (size_t at = 0; at < count; at++) calls.push_back(soon[at].pending);
    ThreadPool::shared().submit(Lane::Search, [calls = std::move(calls), mailbox = mailbox_] {
      for (Pending* pending : calls) perform(pending, *mailbox);
    });
    return Status::ok();
  });
  for (size_t at = 0; at < count && !submitted; at++) {
    soon[at].pending->status = submitted;
    mailbox_->post(soon[at].pending, false);
  }
}

napi_value Environment::runAside(Call call) {
  napi_value promise = nullptr;
  Pending* pending = enlist(std::move(call), &promise);
  if (pending == nullptr) return nullptr;
  startOrReject(pending, [&] {
    std::thread([pending, mailbox = mailbox_] { perform(pending, *mailbox); }).detach();
  });
  return promise;
}

napi_value Environment::defer(Call call, const std::function<void(Completion)>& start) {
  napi_value promise = nullptr;
  Pending* pending = enlist(std::move(call), &promise);
  if (pending == nullptr) return nullptr;
  startOrReject(pending, [&] {
    start([pending, mailbox = mailbox_](Status status) {
      pending->status = std::move(status);
      mailbox->post(pending, false);
    });
  });
  return promise;
}

void Environment::deliver() {
  Pending* finished = nullptr;
  {
    std::lock_guard lock(mailbox_->mutex);
    finished = std::exchange(mailbox_->firstFinished, nullptr);
  }
  while (finished != nullptr) settle(std::exchange(finished, finished->nextFinished));
}

void Environment::settle(Pending* pending) {
  napi_handle_scope scope;
  napi_open_handle_scope(env_, &scope);
  napi_value value = nullptr;
  bool resolved = false;
  if (pending->status.isOk()) {
    const Status made = attempt([&] {
      if (pending->call.result)
        value = pending->call.result(env_);
      else
        napi_get_undefined(env_, &value);
      return Status::ok();
    });
    bool thrown = false;
    napi_is_exception_pending(env_, &thrown);
    if (!made)
      value = makeError(env_, made);
    else if (thrown)
      napi_get_and_clear_last_exception(env_, &value);
    else if (value == nullptr)
      value = makeError(env_, "INTERNAL", "out of memory while making the result");
    else
      resolved = true;
  } else {
    value = makeError(env_, pending->status);
  }
  for (napi_ref reference : pending->pins) napi_delete_reference(env_, reference);
  if (resolved)
    napi_resolve_deferred(env_, pending->deferred, value);
  else
    napi_reject_deferred(env_, pending->deferred, value);
  // The call's data is freed first, so that `settled` may close objects that are no longer used.
  pending->call.work = nullptr;
  pending->call.result = nullptr;
  if (pending->call.settled) pending->call.settled();
  if (pending->previous != nullptr)
    pending->previous->next = pending->next;
  else
    first_ = pending->next;
  if (pending->next != nullptr) pending->next->previous = pending->previous;
  readCount_ -= pending->call.isRead ? 1 : 0;
  if (--pendingCount_ == 0) napi_unref_threadsafe_function(env_, wake_);
  delete pending;
  napi_close_handle_scope(env_, scope);
}

} // namespace vicinal::binding
