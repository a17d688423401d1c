// Filtered search of the kernel and of C++ hnswlib with a filter functor, beside a float32 scan of
// the rows that match, with their ids known beforehand.
//
//   filter_bench BASE.fbin QUERIES.fbin SIDE.fbin COLUMNS.ibin FOLDER cosine|l2 [FILTER...]
//
// A filter is NAME:COLUMN:FROM:TO:QUERIES. Its rows have values of the column in [FROM, TO), and it
// is asked with the queries of one of the two files (queries, side). Leaves in the
// folder the truth of each filter, NAME.ibin, and hnswlib's index, hnswlib.bin. Prints JSON.
#include <atomic>
#include <ctime>
#include <iostream>
#include <map>
#include <memory>
#include <thread>

#include <hnswlib/hnswlib.h>

#include "distance/kernels.hpp"
#include "distance/prepare.hpp"
#include "least_effort.hpp"
#include "vicinal_shard.hpp"

namespace {

constexpr unsigned kThreads = 2;
const char* const kColumns[] = {"random", "side"};

struct Filter {
  std::string name;
  size_t column = 0;
  int32_t from = 0;
  int32_t to = 0;
  bool isSide = false;
  // Ids of the rows that match, ascending.
  std::vector<uint32_t> rows;
  Matrix<int32_t> truth;
};

struct Tagged : Data {
  Matrix<float> side;
  Matrix<int32_t> columns;
  const Matrix<float>& queriesOf(const Filter& filter) const {
    return filter.isSide ? side : queries;
  }
};

Filter parse(const Tagged& data, const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ':')
      parts.emplace_back();
    else
      parts.back().push_back(c);
  }
  if (parts.size() != 5) std::exit(2);
  Filter filter{parts[0],
                parts[1] == kColumns[0] ? 0u : 1u,
                std::stoi(parts[2]),
                std::stoi(parts[3]),
                parts[4] == "side",
                {},
                {}};
  for (uint32_t row = 0; row < uint32_t(data.base.count); row++) {
    const int32_t value = data.columns.row(row)[filter.column];
    if (value >= filter.from && value < filter.to) filter.rows.push_back(row);
  }
  return filter;
}

// By the compiler's own loops, apart from the kernels that are measured.
float distanceOf(const Tagged& data, const float* a, const float* b) {
  float dot = 0;
  float square = 0;
  const int32_t dim = data.base.dim;
  if (data.isCosine) {
#pragma omp simd reduction(+ : dot)
    for (int32_t i = 0; i < dim; i++) dot += a[i] * b[i];
    return -dot;
  }
#pragma omp simd reduction(+ : square)
  for (int32_t i = 0; i < dim; i++) square += (a[i] - b[i]) * (a[i] - b[i]);
  return square;
}

void findTruth(const Tagged& data, Filter& filter) {
  const Matrix<float>& queries = data.queriesOf(filter);
  filter.truth = {queries.count, int32_t(kNeighbours),
                  std::vector<int32_t>(size_t(queries.count) * kNeighbours, -1)};
  std::vector<std::pair<float, uint32_t>> scored(filter.rows.size());
  const size_t kept = std::min(kNeighbours, scored.size());
  for (size_t q = 0; q < size_t(queries.count); q++) {
    for (size_t at = 0; at < scored.size(); at++)
      scored[at] = {distanceOf(data, queries.row(q), data.base.row(filter.rows[at])),
                    filter.rows[at]};
    std::partial_sort(scored.begin(), scored.begin() + std::ptrdiff_t(kept), scored.end());
    for (size_t i = 0; i < kept; i++) filter.truth.row(q)[i] = int32_t(scored[i].second);
  }
}

void writeTruth(const Filter& filter, const std::string& folder) {
  std::ofstream file(folder + "/" + filter.name + ".ibin", std::ios::binary);
  file.write(reinterpret_cast<const char*>(&filter.truth.count), 4)
      .write(reinterpret_cast<const char*>(&filter.truth.dim), 4)
      .write(reinterpret_cast<const char*>(filter.truth.data.data()),
             std::streamsize(filter.truth.data.size() * 4));
}

// A plain scan: the kernel's float distances, and a heap that keeps the nearest
// without our ways to select.
Rated scanOf(const Tagged& data, const Filter& filter) {
  const vicinal::Space space(data.isCosine ? vicinal::Metric::Cosine : vicinal::Metric::L2,
                             uint32_t(data.base.dim), data.base.data.data());
  const Matrix<float>& queries = data.queriesOf(filter);
  std::vector<float> distances(filter.rows.size());
  const FindAt find = [&](size_t at, uint64_t* ids) {
    space.distances(queries.row(at), filter.rows.data(), filter.rows.size(), distances.data());
    vicinal::TopK top(kNeighbours);
    for (size_t i = 0; i < distances.size(); i++)
      if (distances[i] <= top.bound()) top.offer({distances[i], filter.rows[i]});
    size_t next = 0;
    for (const vicinal::Neighbor& neighbor : top.takeSorted()) ids[next++] = neighbor.vertex;
  };
  return leastEffort(filter.truth, {0}, [&](double) { return find; });
}

class Functor : public hnswlib::BaseFilterFunctor {
public:
  Functor(const Tagged& data, const Filter& filter) : data_(data), filter_(filter) {}
  bool operator()(hnswlib::labeltype row) override {
    const int32_t value = data_.columns.row(row)[filter_.column];
    return value >= filter_.from && value < filter_.to;
  }

private:
  const Tagged& data_;
  const Filter& filter_;
};

using Results = std::vector<std::pair<std::string, Rated>>;

Results ofHnswlib(const Tagged& data, const std::vector<Filter>& filters, const std::string& out) {
  const auto dim = size_t(data.base.dim);
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  if (data.isCosine)
    space = std::make_unique<hnswlib::InnerProductSpace>(dim);
  else
    space = std::make_unique<hnswlib::L2Space>(dim);
  const auto count = size_t(data.base.count);
  hnswlib::HierarchicalNSW<float> index(space.get(), count, kM, kEfConstruct);
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  for (unsigned at = 0; at < kThreads; at++)
    threads.emplace_back([&] {
      for (size_t row = next++; row < count; row = next++) index.addPoint(data.base.row(row), row);
    });
  for (std::thread& thread : threads) thread.join();
  index.saveIndex(out + "/hnswlib.bin");
  const std::vector<double> efs{10,  12,  14,  16,  18,  20,  22,  25,   28,  32,
                                36,  40,  45,  50,  56,  64,  72,  80,   90,  102,
                                114, 128, 160, 192, 256, 384, 512, 1024, 2048};
  Results results;
  for (const Filter& filter : filters) {
    Functor functor(data, filter);
    const bool isAll = filter.rows.size() == count;
    const Matrix<float>& queries = data.queriesOf(filter);
    results.emplace_back(filter.name, leastEffort(filter.truth, efs, [&](double ef) {
                           index.setEf(size_t(ef));
                           return [&](size_t at, uint64_t* ids) {
                             auto found = index.searchKnn(queries.row(at), kNeighbours,
                                                          isAll ? nullptr : &functor);
                             for (size_t i = 0; !found.empty(); i++, found.pop())
                               ids[i] = found.top().second;
                           };
                         }));
  }
  return results;
}

// Filters as src/filter/program.ts writes them.
class Program {
public:
  std::vector<uint8_t> bytes;

  Program(uint8_t condition, const std::string& key) : bytes{condition, 1, 0} { text(key); }
  template <typename T> Program& put(const T& value) {
    const auto* const from = reinterpret_cast<const uint8_t*>(&value);
    bytes.insert(bytes.end(), from, from + sizeof value);
    return *this;
  }
  Program& text(const std::string& text) {
    put(uint32_t(text.size()));
    bytes.insert(bytes.end(), text.begin(), text.end());
    return *this;
  }
};

std::vector<uint8_t> rangeOf(const Filter& filter) {
  constexpr uint8_t kRange = 6;
  constexpr uint8_t kLessAndAtLeast = 1 | 8;
  return Program(kRange, kColumns[filter.column])
      .put(kLessAndAtLeast)
      .put(double(filter.to))
      .put(double(filter.from))
      .bytes;
}

// A row's values as words, which filters of the same rows may ask for.
struct Word {
  const char* filter;
  const char* key;
  const char* text;
};
constexpr Word kWords[] = {{"10 %", "tenth", "first"},
                           {"50 %", "half", "first"},
                           {"10 % with", "nearness", "near"},
                           {"10 % against", "nearness", "far"}};

std::string payloadOf(const int32_t* values) {
  const auto number = [](int32_t value) { return std::to_string(value); };
  const std::string nearness = values[1] == 0 ? "near" : values[1] == 9 ? "far" : number(values[1]);
  return "{\"random\":" + number(values[0]) + ",\"side\":" + number(values[1]) + ",\"tenth\":\"" +
         (values[0] < 100 ? "first" : number(values[0] / 100)) + "\",\"half\":\"" +
         (values[0] < 500 ? "first" : "second") + "\",\"nearness\":\"" + nearness + "\"}";
}

// Asks for a word until its rows have a graph of their own, and tells the queries and time until
// then.
struct Earned {
  size_t asked = 0;
  double buildCpuSeconds = 0;
};

Earned earnGraph(vicinal::Shard& shard, vicinal::SearchRequest request, const Tagged& data) {
  using namespace vicinal;
  constexpr size_t kMostAsked = 5'000'000;
  Earned earned;
  const auto ask = [&] {
    uint64_t ids[kNeighbours];
    const auto at = int32_t(earned.asked % size_t(data.queries.count));
    return findIn(shard, request, data.queries.row(at), size_t(data.base.dim), ids);
  };
  for (bool isDue = false; !isDue && earned.asked < kMostAsked; earned.asked++)
    isDue = ask().hasDueGraph;
  const std::clock_t started = std::clock();
  shard.indexer().kick();
  constexpr int kMostWaits = 60'000;
  for (int waits = 0; ask().strategy.find("of value") == std::string::npos; waits++) {
    if (waits == kMostWaits) std::exit(2);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  earned.buildCpuSeconds = double(std::clock() - started) / CLOCKS_PER_SEC;
  return earned;
}

class OurShard {
public:
  explicit OurShard(const Tagged& data)
      : data_(data), pool_(kThreads), shard_(shardSpec(data), pool_) {
    using namespace vicinal;
    fill(shard_, data.base, 10'000, [&](uint32_t row) { return payloadOf(data.columns.row(row)); });
    for (const char* column : kColumns) index(column, PayloadIndexKind::Integer);
    for (const char* column : {"tenth", "half", "nearness"})
      index(column, PayloadIndexKind::Keyword);
    waitForIndex(shard_);
  }

  Results ofRanges(const std::vector<Filter>& filters) {
    Results results;
    for (const Filter& filter : filters)
      results.emplace_back(filter.name, rated(filter, programOf(filter)));
    std::vector<Side> sides;
    for (size_t at = 0; at < filters.size(); at++)
      for (const char* name : {"none", "90 %"})
        if (filters[at].name == name)
          sides.push_back({filters[at].truth,
                           finding(filters[at], programOf(filters[at]), results[at].second.effort),
                           results[at].second});
    rateInTurns(sides);
    return results;
  }

  // Of the same rows by a word, once they have a graph.
  Results ofWords(const std::vector<Filter>& filters, std::string& earned) {
    constexpr uint8_t kMatch = 5;
    Results results;
    for (const Word& word : kWords)
      for (const Filter& filter : filters) {
        if (filter.name != word.filter || filter.rows.size() < vicinal::ValueSpaces::kLeastRows)
          continue;
        vicinal::SearchRequest request;
        request.limit = kNeighbours;
        request.filter = Program(kMatch, word.key)
                             .put(uint32_t(1))
                             .text(word.text)
                             .put(uint32_t(0))
                             .put(uint8_t(0))
                             .bytes;
        const Earned took = earnGraph(shard_, request, data_);
        earned += (earned.empty() ? "" : ",") + ("\"" + filter.name + "\":{\"asked\":") +
                  std::to_string(took.asked) +
                  ",\"buildCpuSeconds\":" + std::to_string(took.buildCpuSeconds) + "}";
        results.emplace_back(filter.name, rated(filter, request.filter));
      }
    return results;
  }

private:
  void index(const char* column, vicinal::PayloadIndexKind kind) {
    if (!shard_.createPayloadIndex({column, kind})) std::exit(2);
  }
  Rated rated(const Filter& filter, const vicinal::FilterBytes& program) {
    static const std::vector<double> recalls{0.9,  0.91,  0.92, 0.925, 0.93, 0.935, 0.94,  0.945,
                                             0.95, 0.955, 0.96, 0.97,  0.98, 0.99,  0.995, 1};
    return leastEffort(filter.truth, recalls,
                       [&](double recall) { return finding(filter, program, recall); });
  }
  vicinal::FilterBytes programOf(const Filter& filter) const {
    if (filter.rows.size() == size_t(data_.base.count)) return std::nullopt;
    return rangeOf(filter);
  }
  FindAt finding(const Filter& filter, const vicinal::FilterBytes& program, double recall) {
    vicinal::SearchRequest request;
    request.limit = kNeighbours;
    request.filter = program;
    request.recall = float(recall);
    return [this, request, &queries = data_.queriesOf(filter)](size_t at, uint64_t* ids) mutable {
      (void)findIn(shard_, request, queries.row(at), size_t(data_.base.dim), ids);
    };
  }

  const Tagged& data_;
  vicinal::ThreadPool pool_;
  vicinal::Shard shard_;
};

std::string joined(const Results& results) {
  std::string text;
  for (const auto& [name, rated] : results)
    text += (text.empty() ? "" : ",\n  ") + ("\"" + name + "\":") + toJson(rated);
  return "{" + text + "}";
}

} // namespace

int main(int count, char** arguments) {
  if (count < 7) {
    std::fprintf(stderr,
                 "usage: filter_bench BASE QUERIES SIDE COLUMNS FOLDER cosine|l2 FILTERS\n");
    return 2;
  }
  Tagged data;
  data.base = readMatrix<float>(arguments[1]);
  data.queries = readMatrix<float>(arguments[2]);
  data.side = readMatrix<float>(arguments[3]);
  data.columns = readMatrix<int32_t>(arguments[4]);
  const std::string folder = arguments[5];
  data.isCosine = std::string(arguments[6]) == "cosine";
  const auto dim = size_t(data.base.dim);
  for (Matrix<float>* matrix : {&data.base, &data.queries, &data.side})
    if (data.isCosine)
      (void)vicinal::prepareVectors(matrix->data.data(), size_t(matrix->count), dim, true);
  std::vector<Filter> filters;
  for (int at = 7; at < count; at++) {
    filters.push_back(parse(data, arguments[at]));
    findTruth(data, filters.back());
    writeTruth(filters.back(), folder);
  }
  Results scans;
  for (const Filter& filter : filters) scans.emplace_back(filter.name, scanOf(data, filter));
  Results ours, byWord;
  std::string earned;
  {
    OurShard shard(data);
    ours = shard.ofRanges(filters);
    byWord = shard.ofWords(filters, earned);
  }
  std::cout << "{\"scan\":" << joined(scans) << ",\n\"vicinal\":" << joined(ours)
            << ",\n\"ofValue\":" << joined(byWord) << ",\n\"earned\":{" << earned << "}"
            << ",\n\"hnswlib\":" << joined(ofHnswlib(data, filters, folder)) << "}\n";
  return 0;
}
