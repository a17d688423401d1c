// Shards of random points for tests.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "search/scroll.hpp"
#include "search/search.hpp"
#include "shard/shard.hpp"

namespace vicinal::test {

constexpr uint32_t kTestDim = 12;

inline ShardSpec testSpec() {
  ShardSpec spec;
  spec.vectors = {{"a", kTestDim, Metric::L2, 8, 40}, {"b", 3, Metric::Dot, 4, 20}};
  spec.segmentBytes = uint64_t(1) << 28;
  return spec;
}

// Points [from, from + count). Every other point has vector "b" too. The payload names the point
// and the operation.
struct TestBatch {
  UpsertColumns columns;
  std::vector<float> a;
  std::vector<float> b;
  std::vector<uint32_t> rows;
  std::string texts;
  std::vector<uint32_t> offsets{0};

  TestBatch(uint64_t from, uint32_t count, uint64_t seq, uint32_t seed = 1) {
    std::mt19937 random(seed + static_cast<uint32_t>(from));
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (uint32_t at = 0; at < count; at++) {
      columns.ids.push_back(PointId::number(from + at));
      for (uint32_t i = 0; i < kTestDim; i++) a.push_back(uniform(random));
      if (at % 2 == 0) {
        rows.push_back(at);
        for (int i = 0; i < 3; i++) b.push_back(uniform(random));
      }
      texts += "{\"n\":" + std::to_string(from + at) + ",\"seq\":" + std::to_string(seq) + "}";
      offsets.push_back(static_cast<uint32_t>(texts.size()));
    }
    columns.seq = seq;
    columns.vectors = {{0, a.data(), nullptr, count},
                       {1, b.data(), rows.data(), static_cast<uint32_t>(rows.size())}};
    columns.payloadBytes = texts.data();
    columns.payloadOffsets = offsets.data();
  }
};

inline std::vector<PointId> testIds(uint64_t from, uint32_t count) {
  std::vector<PointId> ids;
  for (uint32_t at = 0; at < count; at++) ids.push_back(PointId::number(from + at));
  return ids;
}

inline SearchRequest testSearch(uint32_t seed, uint32_t limit = 10) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  SearchRequest request;
  for (uint32_t i = 0; i < kTestDim; i++) request.query.push_back(uniform(random));
  request.limit = limit;
  request.ef = 50;
  request.fields.payload = true;
  return request;
}

// Ids, scores and payloads of an answer, as text.
inline std::string answer(const Shard& shard, const SearchRequest& request) {
  SearchResult result;
  const Status status = search(shard.snapshot(), shard.spec().vectors, request, nullptr, result);
  if (!status) return status.message();
  std::string text(result.rows.payloadBytes.data(), result.rows.payloadBytes.size());
  for (uint32_t at = 0; at < result.rows.count; at++)
    text += " " + std::to_string(result.rows.ids[at * kIdWords + 1]) + ":" +
            std::to_string(result.scores[at]);
  return text;
}

inline uint64_t pointsOf(const Shard& shard) {
  auto counted = count(shard.snapshot(), shard.spec().vectors.size(), std::nullopt, nullptr);
  return counted ? *counted : UINT64_MAX;
}

// A wait for the index that starts at construction.
class GraphWait {
public:
  explicit GraphWait(Shard& shard) {
    shard.waitForIndex([this](Status status) {
      std::lock_guard lock(mutex_);
      outcome_ = std::move(status);
      done_.notify_all();
    });
  }

  bool isOver() {
    std::lock_guard lock(mutex_);
    return outcome_.has_value();
  }

  // Blocks until the wait ends. A wait that is never answered fails its test instead of blocking
  // all tests.
  Status outcome() {
    std::unique_lock lock(mutex_);
    if (!done_.wait_for(lock, kPatience, [&] { return outcome_.has_value(); }))
      return Status(Code::Overloaded, "the graph never caught up");
    return *outcome_;
  }

private:
  static constexpr std::chrono::minutes kPatience{5};

  std::mutex mutex_;
  std::condition_variable done_;
  std::optional<Status> outcome_;
};

// Blocks until the graphs have caught up.
inline Status waitForIndex(Shard& shard) { return GraphWait(shard).outcome(); }

// Blocks until the first vector of the first segment is calibrated.
inline void waitForCalibration(const Shard& shard) {
  while (shard.snapshot().segment(0).space(0).calibration()->vertices() == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// Adds rows with one vector and these payloads to an empty shard. Waits until they are in the graph
// and calibrated.
inline Status fillMeasured(Shard& shard, const std::vector<float>& vectors,
                           const std::vector<std::string>& payloads) {
  std::string texts;
  std::vector<uint32_t> offsets{0};
  for (const std::string& payload : payloads) {
    texts += payload;
    offsets.push_back(uint32_t(texts.size()));
  }
  UpsertColumns columns;
  columns.ids = testIds(0, uint32_t(payloads.size()));
  columns.seq = 1;
  columns.vectors = {{0, vectors.data(), nullptr, uint32_t(payloads.size())}};
  columns.payloadBytes = texts.data();
  columns.payloadOffsets = offsets.data();
  VICINAL_TRY(shard.upsert(columns));
  VICINAL_TRY(waitForIndex(shard));
  waitForCalibration(shard);
  return Status::ok();
}

} // namespace vicinal::test
