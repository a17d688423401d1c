// Recall promised and got on hard data (zoo_rows.hpp).
//
//   zoo_bench ROWS.fbin|- HELD_OUT.fbin|- ROWS QUERIES [KIND,KIND...]
//
// Each kind is stored and indexed as a collection's rows are; its queries ask
// for recall. Prints JSON: for each kind the queries, the recall asked for, the
// recall got (the mean, and the lower end of its 95 % interval), the recall
// promised, and the time of a query beside that of an exact scan.
#include <chrono>
#include <cstring>
#include <iostream>

#include "base/thread_time.hpp"
#include "distance/prepare.hpp"
#include "vicinal_shard.hpp"
#include "zoo_rows.hpp"

namespace {

using namespace vicinal;

constexpr unsigned kThreads = 2;
constexpr uint32_t kBatch = 10'000;
constexpr float kAsked[] = {0.8f, 0.95f, 0.99f};
// Rows without a file: gaussian, of so many dimensions.
constexpr size_t kMadeUpDim = 100;
constexpr uint64_t kMadeUpSeed = 7;
constexpr uint64_t kShuffleSeed = 11;
// One-sided, of a normal distribution.
constexpr double kErrorsOf95 = 1.645;

Matrix<float> rowsOf(const char* path, size_t madeUp) {
  Matrix<float> rows;
  if (std::strcmp(path, "-") != 0) {
    rows = readMatrix<float>(path);
    // Words come by frequency, and rare ones are of another kind.
    Random random(kShuffleSeed);
    for (size_t at = size_t(rows.count); at > 1; at--) {
      float* const row = rows.row(at - 1);
      std::swap_ranges(row, row + rows.dim, rows.row(random.next() % at));
    }
  } else {
    Random random(kMadeUpSeed + madeUp);
    rows = emptyMatrix(madeUp, kMadeUpDim);
    for (float& value : rows.data) value = random.gaussian();
  }
  (void)prepareVectors(rows.data.data(), size_t(rows.count), size_t(rows.dim), true);
  return rows;
}

SearchResult ask(Shard& shard, const float* query, size_t dim, float recall, bool isExact) {
  SearchRequest request;
  request.query.assign(query, query + dim);
  request.limit = kNeighbours;
  request.recall = recall;
  request.isExact = isExact;
  shard.meter(0).adjust(request);
  SearchResult found;
  if (!search(shard.snapshot(), shard.spec().vectors, request, nullptr, found)) std::exit(2);
  return found;
}

// A hit as near as the last of the truth counts: of twins either will do.
double shareFound(Metric metric, const SearchResult& truth, const SearchResult& found) {
  const float last = truth.scores[truth.rows.count - 1];
  const float slack = 1e-6f * std::fabs(last);
  const bool greaterIsNearer = metric == Metric::Cosine || metric == Metric::Dot;
  uint32_t near = 0;
  for (uint32_t at = 0; at < found.rows.count; at++)
    near += (greaterIsNearer ? found.scores[at] >= last - slack : found.scores[at] <= last + slack)
                ? 1
                : 0;
  return double(near) / truth.rows.count;
}

struct Got {
  double recall = 0;
  double low = 0;
  double promised = 0;
  double distances = 0;
  double tookUs = 0;
  std::string strategy;
};

Got askedFor(Shard& shard, const Animal& animal, const Matrix<float>& queries,
             const std::vector<SearchResult>& truth, float recall) {
  Got got;
  const auto count = double(queries.count);
  double squares = 0;
  for (size_t at = 0; at < size_t(queries.count); at++) {
    const SearchResult found = ask(shard, queries.row(at), size_t(queries.dim), recall, false);
    const double share = shareFound(animal.metric, truth[at], found);
    got.recall += share / count;
    squares += share * share / count;
    got.promised += found.stats.recall / count;
    got.distances += double(found.stats.distances) / count;
    if (got.strategy.find(found.stats.strategy) == std::string::npos)
      got.strategy += (got.strategy.empty() ? "" : "; ") + found.stats.strategy;
  }
  const double variance = std::max(0.0, squares - got.recall * got.recall);
  got.low = got.recall - kErrorsOf95 * std::sqrt(variance / count);
  const double started = threadSeconds();
  for (size_t at = 0; at < size_t(queries.count); at++)
    (void)ask(shard, queries.row(at), size_t(queries.dim), recall, false);
  got.tookUs = (threadSeconds() - started) * 1e6 / count;
  return got;
}

std::string codesOf(const Shard& shard) {
  const auto codes = shard.snapshot().segment(0).space(0).codes();
  if (!codes) return "none";
  const auto& projection = codes->scheme().projection;
  std::string text = nameOf(codes->space().kind());
  return projection ? text + " of " + std::to_string(projection->reducedDim()) : text;
}

const char* nameOfMetric(Metric metric) {
  constexpr const char* kNames[] = {"Cosine", "Dot", "Euclid", "Manhattan"};
  return kNames[size_t(metric)];
}

void measure(Animal animal, std::vector<std::string>& rows) {
  const auto dim = size_t(animal.base.dim);
  const bool isUnit = animal.metric == Metric::Cosine;
  if (isUnit) (void)prepareVectors(animal.base.data.data(), size_t(animal.base.count), dim, true);
  ThreadPool pool(kThreads);
  ShardSpec spec;
  spec.trackChanges = false;
  spec.segmentBytes = uint64_t(1) << 34;
  spec.vectors = {{"", uint32_t(dim), animal.metric, kM, kEfConstruct}};
  Shard shard(spec, pool);
  const auto started = std::chrono::steady_clock::now();
  fill(shard, animal.base, kBatch);
  waitForIndex(shard);
  const std::chrono::duration<double> built = std::chrono::steady_clock::now() - started;
  for (Animal::Asked& asked : animal.asked) {
    Matrix<float>& queries = asked.queries;
    if (isUnit) (void)prepareVectors(queries.data.data(), size_t(queries.count), dim, true);
    std::vector<SearchResult> truth;
    const double before = threadSeconds();
    for (size_t at = 0; at < size_t(queries.count); at++)
      truth.push_back(ask(shard, queries.row(at), dim, 1, true));
    const double scanUs = (threadSeconds() - before) * 1e6 / double(queries.count);
    for (const float recall : kAsked) {
      const Got got = askedFor(shard, animal, queries, truth, recall);
      char text[600];
      std::snprintf(text, sizeof text,
                    R"({"kind":"%s","queries":"%s","rows":%d,"dim":%zu,"distance":"%s",)"
                    R"("codes":"%s","builtSeconds":%.1f,"asked":%g,"recall":%.4f,"low":%.4f,)"
                    R"("promised":%.4f,"distances":%.0f,"tookUs":%.1f,"scanUs":%.1f,)"
                    R"("strategy":"%s"})",
                    animal.name.c_str(), asked.name.c_str(), animal.base.count, dim,
                    nameOfMetric(animal.metric), codesOf(shard).c_str(), built.count(),
                    double(recall), got.recall, got.low, got.promised, got.distances, got.tookUs,
                    scanUs, got.strategy.c_str());
      rows.emplace_back(text);
      std::fprintf(stderr, "%s\n", text);
    }
  }
}

bool isChosen(const char* list, const std::string& name) {
  return ("," + std::string(list) + ",").find("," + name + ",") != std::string::npos;
}

} // namespace

int main(int count, char** arguments) {
  if (count < 5) {
    std::fprintf(stderr, "usage: zoo_bench ROWS.fbin|- HELD_OUT.fbin|- ROWS QUERIES [KINDS]\n");
    return 2;
  }
  const auto rows = size_t(std::stoul(arguments[3]));
  const auto queries = size_t(std::stoul(arguments[4]));
  const Matrix<float> source = rowsOf(arguments[1], rows);
  const Matrix<float> heldOut = rowsOf(arguments[2], queries);
  std::vector<std::string> printed;
  for (const std::string& name : ZooKeeper::names()) {
    if (count > 5 && !isChosen(arguments[5], name)) continue;
    // Each by itself, so that one measured alone is the same.
    ZooKeeper keeper(source, heldOut, rows, queries);
    measure(keeper.make(name), printed);
  }
  std::string text;
  for (const std::string& row : printed) text += (text.empty() ? "" : ",\n  ") + row;
  std::cout << "[\n  " << text << "\n]\n";
  return 0;
}
