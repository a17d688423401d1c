// The kernel beside C++ hnswlib as data grow: words, and mixtures of pairs of them.
//
//   scale_bench truth   -               COUNT FOLDER WORDS.fbin QUERIES.fbin
//   scale_bench build   vicinal|hnswlib COUNT FOLDER WORDS.fbin QUERIES.fbin
//   scale_bench search  vicinal|hnswlib COUNT FOLDER
//
// `truth` leaves the queries and their neighbours in the folder, and `build` an index. `search` is
// a process of its own: it opens the index, answers, and tells its times and memory.
// Each prints JSON.
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <thread>

#include <hnswlib/hnswlib.h>

#include "distance/kernels.hpp"
#include "distance/prepare.hpp"
#include "scale_rows.hpp"
#include "sweep.hpp"
#include "vicinal_shard.hpp"

namespace {

constexpr unsigned kThreads = 2;
constexpr size_t kQueries = 1000;
constexpr uint32_t kBlock = 2000;
constexpr uint32_t kBatch = 10'000;
// No effort beyond what has it is asked of hnswlib: those take seconds a pass.
constexpr double kEnoughRecall = 0.99;
// As the library has them.
constexpr uint64_t kSegmentBytes = uint64_t(1) << 32;

struct Task {
  uint32_t count = 0;
  std::string folder;
  std::string file(const char* leaf) const { return folder + "/" + leaf; }
};

double residentBytes() {
  std::ifstream file("/proc/self/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * double(sysconf(_SC_PAGESIZE));
}

template <typename Work> void onThreads(const Work& work) {
  std::vector<std::thread> threads;
  for (unsigned at = 0; at < kThreads; at++) threads.emplace_back(work, at);
  for (std::thread& thread : threads) thread.join();
}

template <typename T> void write(const std::string& path, const Matrix<T>& matrix) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&matrix.count), 4)
      .write(reinterpret_cast<const char*>(&matrix.dim), 4)
      .write(reinterpret_cast<const char*>(matrix.data.data()),
             std::streamsize(matrix.data.size() * sizeof(T)));
}

// Every row is made once, and compared with all queries while it is in the cache.
void findTruth(const Task& task, const PairMixtures& rows, const Matrix<float>& heldOut) {
  using namespace vicinal;
  const Matrix<float> queries = rows.queries(heldOut, task.count, kQueries);
  const auto dim = size_t(queries.dim);
  std::vector<std::vector<TopK>> best(kThreads, std::vector<TopK>(kQueries, TopK(kNeighbours)));
  std::atomic<uint32_t> next{0};
  onThreads([&](unsigned thread) {
    std::vector<float> block(kBlock * dim);
    std::vector<float> distances(kBlock);
    const Space space(Metric::Cosine, uint32_t(dim), block.data());
    for (uint32_t from = next.fetch_add(kBlock); from < task.count; from = next.fetch_add(kBlock)) {
      const uint32_t count = std::min(kBlock, task.count - from);
      for (uint32_t i = 0; i < count; i++) rows.row(from + i, &block[i * dim]);
      for (size_t q = 0; q < kQueries; q++) {
        space.scan(queries.row(q), 0, count, distances.data());
        TopK& top = best[thread][q];
        for (uint32_t i = 0; i < count; i++)
          if (distances[i] <= top.bound()) top.offer({distances[i], from + i});
      }
    }
  });
  Matrix<int32_t> truth{int32_t(kQueries), int32_t(kNeighbours),
                        std::vector<int32_t>(kQueries * kNeighbours, -1)};
  for (size_t q = 0; q < kQueries; q++) {
    for (unsigned thread = 1; thread < kThreads; thread++)
      for (const Neighbor& neighbor : best[thread][q].takeSorted()) best[0][q].offer(neighbor);
    size_t at = 0;
    for (const Neighbor& neighbor : best[0][q].takeSorted())
      truth.row(q)[at++] = int32_t(neighbor.vertex);
  }
  write(task.file("queries.fbin"), queries);
  write(task.file("truth.ibin"), truth);
}

using Index = hnswlib::HierarchicalNSW<float>;

void buildHnswlib(const Task& task, const PairMixtures& rows, size_t dim) {
  hnswlib::InnerProductSpace space(dim);
  Index index(&space, task.count, kM, kEfConstruct);
  std::atomic<uint32_t> next{0};
  const auto started = Clock::now();
  const double cpu = cpuSeconds();
  onThreads([&](unsigned) {
    std::vector<float> row(dim);
    for (uint32_t at = next++; at < task.count; at = next++) {
      rows.row(at, row.data());
      index.addPoint(row.data(), at);
    }
  });
  const double wall = std::chrono::duration<double>(Clock::now() - started).count();
  std::cout << result(wall, cpuSeconds() - cpu, {});
  index.saveIndex(task.file("hnswlib.bin"));
}

vicinal::ShardSpec scaleSpec(size_t dim) {
  Data data;
  data.base.dim = int32_t(dim);
  data.isCosine = true;
  vicinal::ShardSpec spec = shardSpec(data);
  spec.segmentBytes = kSegmentBytes;
  return spec;
}

void buildVicinal(const Task& task, const PairMixtures& rows, size_t dim) {
  vicinal::ThreadPool pool(kThreads);
  vicinal::Shard shard(scaleSpec(dim), pool);
  const auto started = Clock::now();
  const double cpu = cpuSeconds();
  Matrix<float> batch{0, int32_t(dim), std::vector<float>(kBatch * dim)};
  for (uint32_t from = 0; from < task.count; from += kBatch) {
    batch.count = int32_t(std::min(kBatch, task.count - from));
    for (uint32_t i = 0; i < uint32_t(batch.count); i++) rows.row(from + i, batch.row(i));
    fill(
        shard, batch, kBatch, [](uint32_t) { return ""; }, from);
  }
  waitForIndex(shard);
  const double wall = std::chrono::duration<double>(Clock::now() - started).count();
  std::cout << result(wall, cpuSeconds() - cpu, {});
  const auto written = shard.checkpoint(task.folder);
  if (!written) std::exit(2);
  std::ofstream names(task.file("segments"));
  for (const auto& segment : written->segments) names << segment.base.path << '\n';
}

// Opening ends with the first answer.
template <typename Open, typename Sweep>
void search(const Data& data, const Open& open, const Sweep& sweep) {
  const double before = residentBytes();
  const auto started = Clock::now();
  const Find find = open();
  uint64_t ids[kNeighbours];
  find(data.queries.row(0), ids);
  const double opened = std::chrono::duration<double>(Clock::now() - started).count();
  const std::vector<std::string> rows = sweep(find);
  std::printf("{\"openSeconds\":%.3f,\"rss\":%.0f,\"rows\":%s}\n", opened, residentBytes() - before,
              joined(rows).c_str());
}

void searchHnswlib(const Task& task, const Data& data) {
  hnswlib::InnerProductSpace space(size_t(data.queries.dim));
  std::unique_ptr<Index> index;
  const Find find = [&](const float* query, uint64_t* ids) {
    auto found = index->searchKnn(query, kNeighbours);
    for (size_t i = 0; !found.empty(); i++, found.pop()) ids[i] = found.top().second;
  };
  search(
      data,
      [&] {
        index = std::make_unique<Index>(&space, task.file("hnswlib.bin"));
        return find;
      },
      [&](const Find& with) {
        std::vector<std::string> rows;
        for (const size_t ef :
             {32, 48, 64, 96, 128, 192, 256, 384, 512, 800, 1200, 2000, 3200, 5000, 8000, 12000}) {
          index->setEf(ef);
          Sweep sweep("ef", double(ef), with);
          sweep.run(data);
          rows.push_back(sweep.json());
          if (sweep.recall() >= kEnoughRecall) break;
        }
        return rows;
      });
}

void searchVicinal(const Task& task, const Data& data) {
  vicinal::ThreadPool pool(kThreads);
  vicinal::Shard shard(scaleSpec(size_t(data.queries.dim)), pool);
  vicinal::SearchRequest request;
  request.limit = kNeighbours;
  const Find find = [&](const float* query, uint64_t* ids) {
    (void)findIn(shard, request, query, size_t(data.queries.dim), ids);
  };
  search(
      data,
      [&] {
        std::ifstream names(task.file("segments"));
        for (std::string path; std::getline(names, path);)
          if (!shard.openSegment({path, {}, {}, {}}, false)) std::exit(2);
        return find;
      },
      [&](const Find& with) {
        std::vector<std::string> rows;
        for (const float recall : {0.85f, 0.9f, 0.92f, 0.94f, 0.95f, 0.96f, 0.97f, 0.98f, 0.99f}) {
          request.recall = recall;
          rows.push_back(sweepRow(data, "asked", recall, with));
        }
        return rows;
      });
}

} // namespace

int main(int count, char** arguments) {
  if (count < 5) {
    std::fprintf(stderr, "usage: see scale_bench.cpp\n");
    return 2;
  }
  const std::string what = arguments[1];
  const bool isOurs = std::strcmp(arguments[2], "vicinal") == 0;
  const Task task{uint32_t(std::atol(arguments[3])), arguments[4]};
  if (what == "search") {
    Data data;
    data.queries = readMatrix<float>(task.file("queries.fbin").c_str());
    data.truth = readMatrix<int32_t>(task.file("truth.ibin").c_str());
    isOurs ? searchVicinal(task, data) : searchHnswlib(task, data);
    return 0;
  }
  Matrix<float> words = readMatrix<float>(arguments[5]);
  Matrix<float> heldOut = readMatrix<float>(arguments[6]);
  const auto dim = size_t(words.dim);
  for (Matrix<float>* matrix : {&words, &heldOut})
    (void)vicinal::prepareVectors(matrix->data.data(), size_t(matrix->count), dim, true);
  const PairMixtures rows(words);
  if (what == "truth") {
    findTruth(task, rows, heldOut);
    std::cout << "{}\n";
  } else if (isOurs) {
    buildVicinal(task, rows, dim);
  } else {
    buildHnswlib(task, rows, dim);
  }
  return 0;
}
