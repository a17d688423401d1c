// JavaScript's handle of a shard: an object with a type tag, so that no other value can be mistaken
// for one. Everything here belongs to the JavaScript thread.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "binding/arguments.hpp"
#include "binding/environment.hpp"
#include "shard/shard.hpp"

namespace vicinal::binding {

class ShardHandle {
public:
  // A guest only reads a shard that another thread's handle owns, and closes. Graph building goes
  // on when the guest closes.
  enum class Role : uint8_t { Owner, Guest };

  explicit ShardHandle(std::shared_ptr<Shard> shard, Role role = Role::Owner)
      : shard_(std::move(shard)), role_(role) {}

  static napi_value wrap(napi_env env, std::shared_ptr<ShardHandle> handle);
  // The handle in the first argument. If it is not a handle, or closed, an exception is pending and
  // the result is null.
  static std::shared_ptr<ShardHandle> of(Arguments& arguments);

  const std::shared_ptr<Shard>& shard() const { return shard_; }

  // Registers an operation: its promise keeps the shard open, and `cancelNumber` (0: none) can
  // cancel it.
  static void begin(const std::shared_ptr<ShardHandle>& self, Call& call,
                    uint64_t cancelNumber = 0);
  void cancel(uint64_t number);
  // Parks a search that begins or resumes in the next turn of the event loop, for the given
  // microseconds. The caller waits for it before it closes the shard.
  using Resume = std::function<napi_value(napi_env, const std::shared_ptr<ShardHandle>&, double)>;
  void park(uint64_t cancelNumber, std::shared_ptr<void> waiting, Resume resume);
  // Empty if no search has this number. The search no longer counts as pending.
  Resume takeParked(uint64_t cancelNumber);
  // Calls `done` when every operation of this handle has ended. The memory is then free, unless
  // another thread has a handle too.
  void close(Completion done);

private:
  void end(uint64_t cancelNumber);
  void release();

  std::shared_ptr<Shard> shard_;
  const Role role_;
  size_t running_ = 0;
  Completion closed_;
  std::unordered_map<uint64_t, std::shared_ptr<CancelFlag>> cancels_;
  std::unordered_map<uint64_t, std::pair<std::shared_ptr<void>, Resume>> parked_;
};

// Runs `work(shard)` on the pool for the shard of the first argument. `result` (may be empty) makes
// the value.
napi_value runOnShard(const std::shared_ptr<ShardHandle>& handle, napi_env env, Lane lane,
                      Call call, uint64_t cancelNumber = 0);

template <typename Work>
Call readCall(const std::shared_ptr<ShardHandle>& handle, Work work,
              std::function<napi_value(napi_env)> result) {
  Call call;
  call.cancel = std::make_shared<CancelFlag>();
  call.work = [shard = handle->shard(), work = std::move(work), cancel = call.cancel.get()] {
    return work(*shard, cancel);
  };
  call.result = std::move(result);
  return call;
}

// The same for a read that can be cancelled: `work(shard, cancel)` returns a status.
template <typename Work>
napi_value readOnShard(const std::shared_ptr<ShardHandle>& handle, napi_env env,
                       uint64_t cancelNumber, Work work,
                       std::function<napi_value(napi_env)> result) {
  Call call = readCall(handle, std::move(work), std::move(result));
  return runOnShard(handle, env, Lane::Search, std::move(call), cancelNumber);
}

// The same for a search with an expected time.
template <typename Work>
napi_value searchOnShard(const std::shared_ptr<ShardHandle>& handle, napi_env env,
                         uint64_t cancelNumber, double expectedNs, Work work,
                         std::function<napi_value(napi_env)> result) {
  Call call = readCall(handle, std::move(work), std::move(result));
  ShardHandle::begin(handle, call, cancelNumber);
  return Environment::of(env)->runSoon(std::move(call), expectedNs);
}

} // namespace vicinal::binding
