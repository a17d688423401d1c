// A sweep over efforts: for each, recall, queries a second on one thread (the best of its passes)
// and the latencies of all passes, as JSON.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "matrix.hpp"

constexpr int kPasses = 3;
using Clock = std::chrono::steady_clock;

inline double cpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return double(time.tv_sec) + double(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Fills the ids of the nearest neighbours of a query.
using Find = std::function<void(const float* query, uint64_t* ids)>;

// One effort: its first pass tells the recall and warms up, the others are timed.
class Sweep {
public:
  Sweep(const char* effort, double value, Find find)
      : effort_(effort), value_(value), find_(std::move(find)) {}

  // A pass that is not looked at.
  void warm(const Data& data) const {
    uint64_t ids[kNeighbours];
    for (int32_t at = 0; at < data.queries.count; at++) find_(data.queries.row(size_t(at)), ids);
  }

  void pass(const Data& data) {
    size_t hits = 0;
    const auto started = Clock::now();
    auto before = started;
    for (int32_t at = 0; at < data.queries.count; at++) {
      uint64_t ids[kNeighbours];
      std::fill_n(ids, kNeighbours, UINT64_MAX);
      find_(data.queries.row(size_t(at)), ids);
      const auto now = Clock::now();
      if (isWarm_)
        latencies_.push_back(std::chrono::duration<double, std::micro>(now - before).count());
      else
        hits += hitsOf(data, size_t(at), ids);
      before = Clock::now();
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
    if (isWarm_)
      best_ = std::max(best_, data.queries.count / seconds);
    else
      recall_ = double(hits) / double(data.queries.count * int64_t(kNeighbours));
    isWarm_ = true;
  }

  // All of them.
  void run(const Data& data) {
    for (int at = 0; at <= kPasses; at++) pass(data);
  }

  double recall() const { return recall_; }

  std::string json() {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](double share) {
      return latencies_[size_t(share * double(latencies_.size() - 1))];
    };
    char row[256];
    std::snprintf(row, sizeof row,
                  "{\"%s\":%g,\"recall\":%.4f,\"qps\":%.0f,\"p50\":%.1f,\"p99\":%.1f,"
                  "\"inFlight\":1}",
                  effort_, value_, recall_, best_, at(0.5), at(0.99));
    return row;
  }

private:
  const char* effort_;
  double value_;
  Find find_;
  bool isWarm_ = false;
  double recall_ = 0;
  double best_ = 0;
  std::vector<double> latencies_;
};

inline std::string sweepRow(const Data& data, const char* effort, double value, const Find& find) {
  Sweep sweep(effort, value, find);
  sweep.run(data);
  return sweep.json();
}

inline std::string joined(const std::vector<std::string>& rows) {
  std::string text;
  for (const std::string& row : rows) text += (text.empty() ? "" : ",\n    ") + row;
  return "[\n    " + text + "\n  ]";
}

inline std::string result(double wall, double cpu, const std::vector<std::string>& rows) {
  char build[128];
  std::snprintf(build, sizeof build,
                "{\"build\":{\"wallSeconds\":%.2f,\"cpuSeconds\":%.2f},\"rows\":", wall, cpu);
  return build + joined(rows) + "}";
}
