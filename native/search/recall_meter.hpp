// The recall that callers get: some of their queries are remembered and, when there is time, asked
// again and compared with a scan.
//
// Calibration measures vectors of the data's own kind. Queries of another kind, names of things
// sought among descriptions, may lose more. Where they are seen to, the effort rises until what is
// lost is no more than was asked for.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "search/search.hpp"

namespace vicinal {

// Of one vector of a shard. From any thread.
class RecallMeter {
public:
  struct Query {
    std::vector<float> vector;
    uint32_t limit = 0;
    float recall = 0;
  };
  struct Reading {
    uint64_t queries = 0;
    // Means over the last kWindow measured; 1 where there are none.
    double recall = 1;
    double asked = 1;
    // Remembered and not measured yet.
    uint64_t waiting = 0;
  };

  // Remembers some of the requests that ask for recall. Never waits.
  void note(const SearchRequest& request);
  // Remembered and not measured yet, at most so many.
  std::vector<Query> take(size_t most);
  // A query that asked for one recall got another.
  void learn(float asked, double got);

  Reading reading() const;
  // That the remembered queries take.
  uint64_t bytes() const;
  // How much of what a caller allows to be lost may be asked of the calibration, so that callers
  // get what they asked for.
  float lossShare() const { return lossShare_.load(std::memory_order_relaxed); }

private:
  static constexpr uint32_t kOneIn = 8;
  static constexpr size_t kRemembered = 64;
  static constexpr size_t kWindow = 256;
  // Before so many were measured, nothing is concluded.
  static constexpr size_t kLeastMeasured = 48;
  // However bad it looks: how much less may be lost than was asked for.
  static constexpr double kLeastLoss = 0.1;

  struct Measured {
    float asked;
    float got;
  };

  std::atomic<uint32_t> seen_{0};
  std::atomic<float> lossShare_{1};
  mutable std::mutex mutex_;
  std::vector<Query> remembered_;
  std::vector<Measured> measured_; // a ring
  uint64_t measuredEver_ = 0;
};

} // namespace vicinal
