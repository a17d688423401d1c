#include "binding/shard_handle.hpp"

namespace vicinal::binding {

namespace {

constexpr napi_type_tag kShardTag = {0x8f1d5f0f6b1c4c5aULL, 0xa2f4c3f5d6e7a8b9ULL};

using Owner = std::shared_ptr<ShardHandle>;

// Shards are freed on the pool, because unmapping gigabytes and waiting for a slice of graph
// building take milliseconds.
void freeOnPool(std::shared_ptr<Shard> shard, const Completion& done) {
  const Status submitted = attempt([&] {
    ThreadPool::shared().submit(Lane::Search, [held = shard, done]() mutable {
      held.reset();
      if (done) done(Status::ok());
    });
    return Status::ok();
  });
  if (submitted) return;
  // Without a thread, the shard is freed here.
  shard.reset();
  if (done) done(Status::ok());
}

} // namespace

napi_value ShardHandle::wrap(napi_env env, Owner handle) {
  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok) return nullptr;
  auto* owner = new Owner(std::move(handle));
  const auto finalize = [](napi_env, void* data, void*) {
    auto* held = static_cast<Owner*>(data);
    if ((*held)->shard_ && (*held)->running_ == 0) (*held)->release();
    delete held;
  };
  if (napi_wrap(env, object, owner, finalize, nullptr, nullptr) != napi_ok) {
    delete owner;
    return nullptr;
  }
  napi_type_tag_object(env, object, &kShardTag);
  return object;
}

Owner ShardHandle::of(Arguments& arguments) {
  napi_valuetype type = napi_undefined;
  bool isShard = false;
  void* data = nullptr;
  napi_typeof(arguments.env(), arguments[0], &type);
  if (type == napi_object)
    napi_check_object_type_tag(arguments.env(), arguments[0], &kShardTag, &isShard);
  if (isShard) napi_unwrap(arguments.env(), arguments[0], &data);
  if (data == nullptr) {
    arguments.fail("shard", "a handle made by createShard");
    return nullptr;
  }
  Owner handle = *static_cast<Owner*>(data);
  if (handle->closed_ || !handle->shard_) {
    throwError(arguments.env(), "CLOSED", "the shard is closed");
    return nullptr;
  }
  return handle;
}

void ShardHandle::begin(const Owner& self, Call& call, uint64_t cancelNumber) {
  if (cancelNumber != 0) {
    if (!call.cancel) call.cancel = std::make_shared<CancelFlag>();
    self->cancels_[cancelNumber] = call.cancel;
  }
  call.settled = [self, cancelNumber] { self->end(cancelNumber); };
  self->running_++;
}

void ShardHandle::end(uint64_t cancelNumber) {
  if (cancelNumber != 0) cancels_.erase(cancelNumber);
  if (--running_ == 0 && closed_) release();
}

void ShardHandle::cancel(uint64_t number) {
  if (const auto found = cancels_.find(number); found != cancels_.end()) found->second->cancel();
}

void ShardHandle::park(uint64_t cancelNumber, std::shared_ptr<void> waiting, Resume resume) {
  parked_[cancelNumber] = {std::move(waiting), std::move(resume)};
}

ShardHandle::Resume ShardHandle::takeParked(uint64_t cancelNumber) {
  auto parked = parked_.extract(cancelNumber);
  return parked ? std::move(parked.mapped().second) : nullptr;
}

void ShardHandle::close(Completion done) {
  closed_ = std::move(done);
  parked_.clear();
  // Waiters for the index are operations too, and might wait for ever; so they are ended first.
  if (role_ == Role::Owner) {
    const Status submitted = attempt([&] {
      ThreadPool::shared().submit(Lane::Search, [shard = shard_] { shard->indexer().close(); });
      return Status::ok();
    });
    if (!submitted) shard_->indexer().close();
  }
  if (running_ == 0) release();
}

void ShardHandle::release() { freeOnPool(std::move(shard_), closed_); }

napi_value runOnShard(const Owner& handle, napi_env env, Lane lane, Call call,
                      uint64_t cancelNumber) {
  ShardHandle::begin(handle, call, cancelNumber);
  return Environment::of(env)->run(lane, std::move(call));
}

} // namespace vicinal::binding
