// Filling a shard of the kernel and searching it, as the library does without Node.
#pragma once

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "matrix.hpp"
#include "search/search.hpp"
#include "shard/shard.hpp"

inline vicinal::ShardSpec shardSpec(const Data& data,
                                    vicinal::CodeKind code = vicinal::CodeKind::Auto) {
  using namespace vicinal;
  ShardSpec spec;
  spec.trackChanges = false;
  spec.segmentBytes = uint64_t(1) << 34;
  const Metric metric = data.isCosine ? Metric::Cosine : Metric::L2;
  spec.vectors = {{"", uint32_t(data.base.dim), metric, kM, kEfConstruct}};
  spec.vectors[0].code = code;
  return spec;
}

inline void waitForIndex(vicinal::Shard& shard) {
  std::mutex mutex;
  std::condition_variable changed;
  bool isDone = false;
  shard.indexer().wait([&](vicinal::Status) {
    std::lock_guard lock(mutex);
    isDone = true;
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return isDone; });
}

// `payloadOf(row)` is a row's payload as JSON, or empty. The first row has the id `first`.
template <typename PayloadOf>
void fill(vicinal::Shard& shard, const Matrix<float>& base, uint32_t batch,
          const PayloadOf& payloadOf, uint32_t first = 0) {
  uint64_t seq = first;
  for (uint32_t from = 0; from < uint32_t(base.count); from += batch) {
    const uint32_t count = std::min(batch, uint32_t(base.count) - from);
    vicinal::UpsertColumns columns;
    std::string payloads;
    std::vector<uint32_t> offsets{0};
    for (uint32_t at = 0; at < count; at++) {
      columns.ids.push_back(vicinal::PointId::number(first + from + at));
      payloads += payloadOf(from + at);
      offsets.push_back(uint32_t(payloads.size()));
    }
    columns.seq = ++seq;
    columns.vectors = {{0, base.row(from), nullptr, count}};
    columns.payloadBytes = payloads.data();
    columns.payloadOffsets = offsets.data();
    if (const auto status = shard.upsert(columns); !status) {
      std::fprintf(stderr, "%s\n", status.message().c_str());
      std::exit(2);
    }
  }
}

inline void fill(vicinal::Shard& shard, const Matrix<float>& base, uint32_t batch) {
  fill(shard, base, batch, [](uint32_t) { return ""; });
}

// Searches with a request whose query is still to be put in; answers what it took.
inline vicinal::SearchStats findIn(const vicinal::Shard& shard, vicinal::SearchRequest& request,
                                   const float* query, size_t dim, uint64_t* ids) {
  using namespace vicinal;
  request.query.assign(query, query + dim);
  SearchResult found;
  if (!search(shard.snapshot(), shard.spec().vectors, request, nullptr, found)) std::exit(2);
  // The second word of an id is the low half of its number.
  for (uint32_t i = 0; i < found.rows.count; i++) ids[i] = found.rows.ids[i * kIdWords + 1];
  return found.stats;
}
