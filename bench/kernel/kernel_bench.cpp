// The kernel beside C++ hnswlib, without Node: the same rows, queries and truth, in one process.
//
//   kernel_bench BASE.fbin QUERIES.fbin TRUTH.ibin cosine|l2
//
// Prints JSON. Of both it has seconds to build on two threads. For each effort it has recall@10,
// queries a second on one thread (the best pass, with warm caches) and the latencies of all passes.
// Ours asks for recall, hnswlib for a width of the beam.
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

constexpr int kRounds = 4;

struct Built {
  double wallSeconds = 0;
  double cpuSeconds = 0;
  std::vector<Sweep> sweeps;

  std::string json() {
    std::vector<std::string> rows;
    for (Sweep& sweep : sweeps) rows.push_back(sweep.json());
    return result(wallSeconds, cpuSeconds, rows);
  }
};

// Of work on kThreads threads.
template <typename Work> Built timed(const Work& work) {
  const auto started = Clock::now();
  const double cpu = cpuSeconds();
  work();
  Built built;
  built.wallSeconds = std::chrono::duration<double>(Clock::now() - started).count();
  built.cpuSeconds = cpuSeconds() - cpu;
  return built;
}

struct Hnswlib {
  explicit Hnswlib(const Data& data) {
    const size_t dim = size_t(data.base.dim);
    if (data.isCosine)
      space = std::make_unique<hnswlib::InnerProductSpace>(dim);
    else
      space = std::make_unique<hnswlib::L2Space>(dim);
    index = std::make_unique<hnswlib::HierarchicalNSW<float>>(space.get(), size_t(data.base.count),
                                                              kM, kEfConstruct);
  }

  void build(const Data& data) {
    std::atomic<size_t> next{0};
    const auto work = [&] {
      for (size_t at = next++; at < size_t(data.base.count); at = next++)
        index->addPoint(data.base.row(at), at);
    };
    std::vector<std::thread> threads;
    for (unsigned at = 0; at < kThreads; at++) threads.emplace_back(work);
    for (std::thread& thread : threads) thread.join();
  }

  void find(size_t ef, const float* query, uint64_t* ids) {
    index->setEf(ef);
    auto found = index->searchKnn(query, kNeighbours);
    for (size_t i = 0; !found.empty(); i++, found.pop()) ids[i] = found.top().second;
  }

  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> index;
};

// Machines have faster and slower minutes: the passes of both take turns, so that these meet both.
// The caches hold the other's data after a turn, so each asks twice.
void run(const Data& data, Built& ours, Built& theirs) {
  for (int round = 0; round < kRounds; round++)
    for (size_t at = 0; at < std::max(ours.sweeps.size(), theirs.sweeps.size()); at++) {
      for (Built* each : {&ours, &theirs}) {
        if (at >= each->sweeps.size()) continue;
        each->sweeps[at].warm(data);
        each->sweeps[at].pass(data);
      }
    }
}

std::string bench(const Data& data) {
  using namespace vicinal;
  ThreadPool pool(kThreads);
  Shard shard(shardSpec(data), pool);
  Built ours = timed([&] {
    fill(shard, data.base, kBatch);
    waitForIndex(shard);
  });
  for (const float recall :
       {0.8f, 0.85f, 0.9f, 0.92f, 0.94f, 0.95f, 0.96f, 0.97f, 0.98f, 0.985f, 0.99f, 0.995f})
    ours.sweeps.emplace_back("asked", recall, [&, recall](const float* query, uint64_t* ids) {
      SearchRequest request;
      request.limit = kNeighbours;
      request.recall = recall;
      (void)findIn(shard, request, query, size_t(data.base.dim), ids);
    });
  Hnswlib hnswlib(data);
  Built theirs = timed([&] { hnswlib.build(data); });
  for (const size_t ef : {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 800, 1200})
    theirs.sweeps.emplace_back("ef", double(ef), [&, ef](const float* query, uint64_t* ids) {
      hnswlib.find(ef, query, ids);
    });
  run(data, ours, theirs);
  return "{\"vicinal\":" + ours.json() + ",\n\"hnswlib\":" + theirs.json() + "}\n";
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
  std::cout << bench(data);
  return 0;
}
