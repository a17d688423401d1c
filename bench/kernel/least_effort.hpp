// The least effort at which a search reaches a recall, and its rate there. The time is capped: a
// peer that is too slow answers some of the queries only, and says how many.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "matrix.hpp"

constexpr double kWantedRecall = 0.95;
constexpr size_t kLeastQueries = 50;
constexpr double kMostSecondsOfPass = 3;
constexpr int kPassesOfRate = 3;
// Passes before the timed ones go on for so long.
constexpr double kWarmSeconds = 0.5;

struct Rated {
  double effort = 0;
  double recall = 0;
  double qps = 0;
  size_t queries = 0;
  bool isReached = false;
  bool isFirst = false;
};

// Fills the ids of the nearest neighbours of query number `at`.
using FindAt = std::function<void(size_t at, uint64_t* ids)>;

struct Pass {
  size_t queries = 0;
  double seconds = 0;
  double recall = 0;
};

inline Pass passOver(const Matrix<int32_t>& truth, const FindAt& find) {
  using Clock = std::chrono::steady_clock;
  const auto started = Clock::now();
  Pass pass;
  size_t hits = 0;
  size_t wanted = 0;
  for (; pass.queries < size_t(truth.count); pass.queries++) {
    if (pass.queries >= kLeastQueries && pass.seconds > kMostSecondsOfPass) break;
    uint64_t ids[kNeighbours];
    std::fill_n(ids, kNeighbours, UINT64_MAX);
    find(pass.queries, ids);
    pass.seconds = std::chrono::duration<double>(Clock::now() - started).count();
    const int32_t* const row = truth.row(pass.queries);
    // Fewer rows than wanted may match; the rest of the truth is -1.
    for (size_t i = 0; i < kNeighbours && row[i] >= 0; i++, wanted++)
      hits += std::find(ids, ids + kNeighbours, uint64_t(row[i])) != ids + kNeighbours ? 1 : 0;
  }
  pass.recall = wanted > 0 ? double(hits) / double(wanted) : 1;
  return pass;
}

template <typename FindWith>
Rated leastEffort(const Matrix<int32_t>& truth, const std::vector<double>& efforts,
                  const FindWith& findWith) {
  Rated best;
  for (const double effort : efforts) {
    const FindAt find = findWith(effort);
    Pass pass = passOver(truth, find);
    if (best.queries == 0 || pass.recall > best.recall)
      best = {effort, pass.recall, double(pass.queries) / pass.seconds, pass.queries};
    if (pass.recall < kWantedRecall) continue;
    best.isReached = true;
    best.isFirst = effort == efforts.front();
    if (!(pass.seconds < kMostSecondsOfPass)) return best;
    for (double warm = pass.seconds; warm < kWarmSeconds;) warm += passOver(truth, find).seconds;
    best.qps = 0;
    for (int i = 0; i < kPassesOfRate; i++) {
      pass = passOver(truth, find);
      best.qps = std::max(best.qps, double(pass.queries) / pass.seconds);
    }
    return best;
  }
  return best;
}

// Rates of searches that are compared with each other: pass by pass in turns, so that a slow minute
// meets all of them.
struct Side {
  const Matrix<int32_t>& truth;
  FindAt find;
  Rated& rated;
};
inline void rateInTurns(const std::vector<Side>& sides) {
  constexpr int kTurns = 9;
  for (const Side& side : sides) side.rated.qps = 0;
  for (int turn = 0; turn < kTurns; turn++)
    for (const Side& side : sides) {
      const Pass pass = passOver(side.truth, side.find);
      side.rated.qps = std::max(side.rated.qps, double(pass.queries) / pass.seconds);
    }
}

inline std::string toJson(const Rated& rated) {
  char text[200];
  std::snprintf(text, sizeof text,
                R"({"effort":%g,"recall":%.4f,"qps":%.1f,"queries":%zu,"reached":%s,"first":%s})",
                rated.effort, rated.recall, rated.qps, rated.queries,
                rated.isReached ? "true" : "false", rated.isFirst ? "true" : "false");
  return text;
}
