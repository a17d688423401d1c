// A sweep over efforts: for each, recall, queries a second on one thread (the best of three passes)
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

inline std::string sweepRow(const Data& data, const char* effort, double value, const Find& find) {
  size_t hits = 0;
  std::vector<double> latencies;
  double best = 0;
  for (int pass = 0; pass <= kPasses; pass++) {
    const auto started = Clock::now();
    auto before = started;
    for (int32_t at = 0; at < data.queries.count; at++) {
      uint64_t ids[kNeighbours];
      std::fill_n(ids, kNeighbours, UINT64_MAX);
      find(data.queries.row(size_t(at)), ids);
      const auto now = Clock::now();
      if (pass > 0)
        latencies.push_back(std::chrono::duration<double, std::micro>(now - before).count());
      if (pass == 0) hits += hitsOf(data, size_t(at), ids);
      before = Clock::now();
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
    if (pass > 0) best = std::max(best, data.queries.count / seconds);
  }
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double share) {
    return latencies[size_t(share * double(latencies.size() - 1))];
  };
  char row[256];
  std::snprintf(row, sizeof row,
                "{\"%s\":%g,\"recall\":%.4f,\"qps\":%.0f,\"p50\":%.1f,\"p99\":%.1f,\"inFlight\":1}",
                effort, value, double(hits) / double(data.queries.count * int64_t(kNeighbours)),
                best, at(0.5), at(0.99));
  return row;
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
