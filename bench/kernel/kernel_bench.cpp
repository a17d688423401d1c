// The kernel beside C++ hnswlib, without Node: the same rows, queries and truth, in one process.
//
//   kernel_bench BASE.fbin QUERIES.fbin TRUTH.ibin cosine|l2
//
// Prints JSON: of both, seconds to build on two threads, and for each effort recall@10, queries a
// second on one thread (the best of three passes) and the latencies of all passes. Ours asks for
// recall, hnswlib for a width of the beam.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <hnswlib/hnswlib.h>

#include "distance/prepare.hpp"
#include "search/search.hpp"
#include "shard/shard.hpp"

namespace {

constexpr size_t kNeighbours = 10;
constexpr size_t kM = 16;
constexpr size_t kEfConstruct = 200;
constexpr unsigned kThreads = 2;
constexpr int kPasses = 3;
constexpr uint32_t kBatch = 10'000;
using Clock = std::chrono::steady_clock;

template <typename T> struct Matrix {
  int32_t count = 0;
  int32_t dim = 0;
  std::vector<T> data;
  const T* row(size_t at) const { return data.data() + at * size_t(dim); }
};

template <typename T> Matrix<T> readMatrix(const char* path) {
  std::ifstream file(path, std::ios::binary);
  Matrix<T> matrix;
  file.read(reinterpret_cast<char*>(&matrix.count), 4)
      .read(reinterpret_cast<char*>(&matrix.dim), 4);
  matrix.data.resize(size_t(matrix.count) * size_t(matrix.dim));
  file.read(reinterpret_cast<char*>(matrix.data.data()),
            std::streamsize(matrix.data.size() * sizeof(T)));
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path);
    std::exit(2);
  }
  return matrix;
}

double cpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return double(time.tv_sec) + double(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Data {
  Matrix<float> base;
  Matrix<float> queries;
  Matrix<int32_t> truth;
  bool isCosine = false;
};

// Fills the ids of the nearest neighbours of a query.
using Find = std::function<void(const float* query, uint64_t* ids)>;

std::string sweepRow(const Data& data, const char* effort, double value, const Find& find) {
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
      const int32_t* truth = data.truth.row(size_t(at));
      for (size_t i = 0; pass == 0 && i < kNeighbours; i++)
        hits +=
            std::find(truth, truth + kNeighbours, int32_t(ids[i])) != truth + kNeighbours ? 1 : 0;
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

std::string joined(const std::vector<std::string>& rows) {
  std::string text;
  for (const std::string& row : rows) text += (text.empty() ? "" : ",\n    ") + row;
  return "[\n    " + text + "\n  ]";
}

std::string result(double wall, double cpu, const std::vector<std::string>& rows) {
  char build[128];
  std::snprintf(build, sizeof build,
                "{\"build\":{\"wallSeconds\":%.2f,\"cpuSeconds\":%.2f},\"rows\":", wall, cpu);
  return build + joined(rows) + "}";
}

std::string benchHnswlib(const Data& data) {
  const size_t dim = size_t(data.base.dim);
  const auto count = size_t(data.base.count);
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  if (data.isCosine)
    space = std::make_unique<hnswlib::InnerProductSpace>(dim);
  else
    space = std::make_unique<hnswlib::L2Space>(dim);
  hnswlib::HierarchicalNSW<float> index(space.get(), count, kM, kEfConstruct);
  const auto started = Clock::now();
  const double cpu = cpuSeconds();
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t at = next++; at < count; at = next++) index.addPoint(data.base.row(at), at);
  };
  std::vector<std::thread> threads;
  for (unsigned at = 0; at < kThreads; at++) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  const double wall = std::chrono::duration<double>(Clock::now() - started).count();
  const double used = cpuSeconds() - cpu;
  std::vector<std::string> rows;
  for (const size_t ef : {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 800, 1200}) {
    index.setEf(ef);
    rows.push_back(sweepRow(data, "ef", double(ef), [&](const float* query, uint64_t* ids) {
      auto found = index.searchKnn(query, kNeighbours);
      for (size_t i = 0; !found.empty(); i++, found.pop()) ids[i] = found.top().second;
    }));
  }
  return result(wall, used, rows);
}

void waitForIndex(vicinal::Shard& shard) {
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

void fill(vicinal::Shard& shard, const Data& data) {
  std::vector<uint32_t> offsets(kBatch + 1, 0);
  uint64_t seq = 0;
  for (uint32_t from = 0; from < uint32_t(data.base.count); from += kBatch) {
    const uint32_t count = std::min(kBatch, uint32_t(data.base.count) - from);
    vicinal::UpsertColumns columns;
    for (uint32_t at = 0; at < count; at++)
      columns.ids.push_back(vicinal::PointId::number(from + at));
    columns.seq = ++seq;
    columns.vectors = {{0, data.base.row(from), nullptr, count}};
    columns.payloadBytes = "";
    columns.payloadOffsets = offsets.data();
    if (const auto status = shard.upsert(columns); !status) {
      std::fprintf(stderr, "%s\n", status.message().c_str());
      std::exit(2);
    }
  }
}

std::string benchVicinal(const Data& data) {
  using namespace vicinal;
  ThreadPool pool(kThreads);
  ShardSpec spec;
  spec.trackChanges = false;
  spec.segmentBytes = uint64_t(1) << 34;
  spec.vectors = {
      {"", uint32_t(data.base.dim), data.isCosine ? Metric::Cosine : Metric::L2, kM, kEfConstruct}};
  Shard shard(spec, pool);
  const auto started = Clock::now();
  const double cpu = cpuSeconds();
  fill(shard, data);
  waitForIndex(shard);
  const double wall = std::chrono::duration<double>(Clock::now() - started).count();
  const double used = cpuSeconds() - cpu;
  SearchRequest request;
  request.limit = kNeighbours;
  std::vector<std::string> rows;
  for (const float recall :
       {0.8f, 0.85f, 0.9f, 0.92f, 0.94f, 0.95f, 0.96f, 0.97f, 0.98f, 0.985f, 0.99f, 0.995f}) {
    request.recall = recall;
    rows.push_back(sweepRow(data, "asked", recall, [&](const float* query, uint64_t* ids) {
      request.query.assign(query, query + data.base.dim);
      SearchResult found;
      if (!search(shard.snapshot(), spec.vectors, request, nullptr, found)) std::exit(2);
      // The second word of an id is the low half of its number.
      for (uint32_t i = 0; i < found.rows.count; i++) ids[i] = found.rows.ids[i * kIdWords + 1];
    }));
  }
  return result(wall, used, rows);
}

} // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    std::fprintf(stderr, "usage: kernel_bench BASE.fbin QUERIES.fbin TRUTH.ibin cosine|l2\n");
    return 2;
  }
  Data data{readMatrix<float>(arguments[1]), readMatrix<float>(arguments[2]),
            readMatrix<int32_t>(arguments[3]), std::strcmp(arguments[4], "cosine") == 0};
  if (data.isCosine) {
    const auto dim = size_t(data.base.dim);
    (void)vicinal::prepareVectors(data.base.data.data(), size_t(data.base.count), dim, true);
    (void)vicinal::prepareVectors(data.queries.data.data(), size_t(data.queries.count), dim, true);
  }
  const std::string ours = benchVicinal(data);
  std::cout << "{\"vicinal\":" << ours << ",\n\"hnswlib\":" << benchHnswlib(data) << "}\n";
  return 0;
}
