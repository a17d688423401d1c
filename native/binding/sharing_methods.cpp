// Sharing between JavaScript threads of the process: a shard, which both then read, and a
// connection, which moves to the other thread.
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <unordered_map>

#include "binding/bounds.hpp"
#include "binding/methods.hpp"
#include "binding/shard_handle.hpp"

namespace vicinal::binding {

namespace {

// Shards by number, while any handle holds them.
class SharedShards {
public:
  static SharedShards& ofProcess() {
    static SharedShards* const shards = new SharedShards;
    return *shards;
  }

  uint64_t add(const std::shared_ptr<Shard>& shard) {
    std::lock_guard lock(mutex_);
    std::erase_if(shards_, [](const auto& entry) { return entry.second.expired(); });
    shards_[++last_] = shard;
    return last_;
  }

  // Null if the shard is gone or never existed.
  std::shared_ptr<Shard> find(uint64_t number) const {
    std::lock_guard lock(mutex_);
    const auto found = shards_.find(number);
    return found == shards_.end() ? nullptr : found->second.lock();
  }

private:
  mutable std::mutex mutex_;
  uint64_t last_ = 0;
  std::unordered_map<uint64_t, std::weak_ptr<Shard>> shards_;
};

napi_value shareShard(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = ShardHandle::of(arguments);
  if (!handle) return nullptr;
  napi_value number = nullptr;
  napi_create_int64(env, int64_t(SharedShards::ofProcess().add(handle->shard())), &number);
  return number;
}

napi_value openShared(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const uint64_t number = arguments.integer(arguments[0], "number", 1, kMostSafeInteger);
  if (arguments.failed()) return nullptr;
  auto shard = SharedShards::ofProcess().find(number);
  if (!shard) {
    throwError(env, "CLOSED", "the shard is closed");
    return nullptr;
  }
  return ShardHandle::wrap(
      env, std::make_shared<ShardHandle>(std::move(shard), ShardHandle::Role::Guest));
}

napi_value duplicateDescriptor(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto descriptor = int(arguments.integer(arguments[0], "descriptor", 0, INT32_MAX));
  if (arguments.failed()) return nullptr;
  const int duplicate = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) {
    throwError(env, "IO_FAILED", std::string("a descriptor: ") + std::strerror(errno));
    return nullptr;
  }
  napi_value result = nullptr;
  napi_create_int32(env, duplicate, &result);
  return result;
}

} // namespace

void defineSharingMethods(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"shareShard", shareShard},
      {"openShared", openShared},
      {"duplicateDescriptor", duplicateDescriptor},
  };
  defineMethods(env, exports, kMethods, std::size(kMethods));
}

} // namespace vicinal::binding
