// The kernel beside C++ hnswlib, without Node: the same rows, queries and truth, in one process.
//
//   kernel_bench BASE.fbin QUERIES.fbin TRUTH.ibin cosine|l2
//
// Prints JSON: of both, seconds to build on two threads, and for each effort recall@10, queries a
// second on one thread (the best of three passes) and the latencies of all passes. Ours asks for
// recall, hnswlib for a width of the beam.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <hnswlib/hnswlib.h>

#include "distance/prepare.hpp"
#include "sweep.hpp"
#include "vicinal_shard.hpp"

namespace {

constexpr unsigned kThreads = 2;
constexpr uint32_t kBatch = 10'000;

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

std::string benchVicinal(const Data& data) {
  using namespace vicinal;
  ThreadPool pool(kThreads);
  Shard shard(shardSpec(data), pool);
  const auto started = Clock::now();
  const double cpu = cpuSeconds();
  fill(shard, data.base, kBatch);
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
      (void)findIn(shard, request, query, size_t(data.base.dim), ids);
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
