// A fusion on the pool, on as many threads as have time for it, where that is worth waking them.
#pragma once

#include <functional>
#include <memory>

#include "base/thread_pool.hpp"
#include "shard/fused_search.hpp"

namespace vicinal {

// `done` is called once, by a thread of the pool, with nothing of the shard held any more. Once the
// flag is set, the fusion ends soon, with CANCELLED. Throws where the pool refuses it: then `done`
// is not called.
void startFused(const std::shared_ptr<FusedSearch>& search, const std::shared_ptr<Shard>& shard,
                Snapshot snapshot, ThreadPool& pool, const std::shared_ptr<CancelFlag>& cancel,
                std::function<void(Status)> done);

} // namespace vicinal
