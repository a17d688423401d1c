// The work of a search beside C++ hnswlib's: distances computed and bytes read
// for a recall, counted and not timed. See lib/work-guard.mjs.
//
//   work_guard ROWS DIM
//
// The rows are made up, of a fixed seed: points of a curved surface of few
// dimensions, in clusters, with a little noise. Everything is built by one
// thread, so that the same kernel counts the same each time. Prints JSON: of
// both, for each effort, recall@10, distances and bytes a query.
#include <cmath>
#include <condition_variable>
#include <iostream>
#include <numeric>
#include <string>

#include <hnswlib/hnswlib.h>

#include "distance/prepare.hpp"
#include "random.hpp"
#include "vicinal_shard.hpp"

namespace {

constexpr size_t kQueries = 1000;
constexpr size_t kLatent = 32;
constexpr size_t kFeatures = 256;
constexpr size_t kClusters = 50;
constexpr float kSpread = 1.0f;
constexpr float kNoise = 0.1f;
constexpr uint64_t kSeed = 20'260;

std::vector<float> gaussians(Random& random, size_t count, float scale) {
  std::vector<float> values(count);
  for (float& value : values) value = scale * random.gaussian();
  return values;
}

// A place among the clusters is bent by `features` before it is spread over all
// dimensions, so that no projection onto few of them has it all.
class Surface {
public:
  Surface(Random& random, size_t dim)
      : random_(random), dim_(dim), centres_(gaussians(random, kClusters * kLatent, 1)),
        bend_(gaussians(random, kFeatures * kLatent, 1.5f / std::sqrt(float(kLatent)))),
        spread_(gaussians(random, dim * kFeatures, 1 / std::sqrt(float(kFeatures)))) {}

  void draw(float* row) {
    const float* const centre = &centres_[(random_.next() % kClusters) * kLatent];
    float place[kLatent];
    for (size_t i = 0; i < kLatent; i++) place[i] = centre[i] + kSpread * random_.gaussian();
    float features[kFeatures];
    for (size_t i = 0; i < kFeatures; i++)
      features[i] =
          std::tanh(std::inner_product(place, place + kLatent, bend_.data() + i * kLatent, 0.0f));
    for (size_t i = 0; i < dim_; i++)
      row[i] =
          std::inner_product(features, features + kFeatures, spread_.data() + i * kFeatures, 0.0f) +
          kNoise * random_.gaussian();
  }

private:
  Random& random_;
  size_t dim_;
  std::vector<float> centres_;
  std::vector<float> bend_;
  std::vector<float> spread_;
};

Matrix<float> drawRows(Surface& surface, size_t count, size_t dim) {
  Matrix<float> matrix{int32_t(count), int32_t(dim), std::vector<float>(count * dim)};
  for (size_t at = 0; at < count; at++) surface.draw(matrix.row(at));
  (void)vicinal::prepareVectors(matrix.data.data(), count, dim, true);
  return matrix;
}

// By brute force, of unit vectors.
Matrix<int32_t> nearest(const Matrix<float>& base, const Matrix<float>& queries) {
  Matrix<int32_t> truth{queries.count, int32_t(kNeighbours),
                        std::vector<int32_t>(size_t(queries.count) * kNeighbours)};
  std::vector<std::pair<float, int32_t>> scored(size_t(base.count));
  for (size_t q = 0; q < size_t(queries.count); q++) {
    const float* const query = queries.row(q);
    for (size_t at = 0; at < scored.size(); at++) {
      const float* const row = base.row(at);
      float dot = 0;
#pragma omp simd reduction(+ : dot)
      for (int32_t i = 0; i < base.dim; i++) dot += query[i] * row[i];
      scored[at] = {-dot, int32_t(at)};
    }
    std::partial_sort(scored.begin(), scored.begin() + kNeighbours, scored.end());
    for (size_t i = 0; i < kNeighbours; i++) truth.row(q)[i] = scored[i].second;
  }
  return truth;
}

struct Work {
  uint64_t hits = 0;
  uint64_t distances = 0;
  uint64_t bytes = 0;
};

std::string row(const char* effort, double value, const Work& work) {
  char text[160];
  const double queries = kQueries;
  std::snprintf(text, sizeof text, R"({"%s":%g,"recall":%.4f,"distances":%.1f,"bytes":%.0f})",
                effort, value, double(work.hits) / (queries * kNeighbours),
                double(work.distances) / queries, double(work.bytes) / queries);
  return text;
}

std::string joined(const std::vector<std::string>& rows) {
  std::string text;
  for (const std::string& one : rows) text += (text.empty() ? "" : ",\n  ") + one;
  return "[" + text + "]";
}

std::string ofVicinal(const Data& data, vicinal::CodeKind code) {
  vicinal::ThreadPool pool(1);
  vicinal::Shard shard(shardSpec(data, code), pool);
  // All at once: when building sees how many rows depends on no clock.
  fill(shard, data.base, uint32_t(data.base.count));
  waitForIndex(shard);
  vicinal::SearchRequest request;
  request.limit = kNeighbours;
  std::vector<std::string> rows;
  for (const float recall : {0.85f, 0.9f, 0.93f, 0.95f, 0.97f, 0.98f, 0.99f, 0.995f, 0.998f}) {
    request.recall = recall;
    Work work;
    for (size_t at = 0; at < kQueries; at++) {
      uint64_t ids[kNeighbours];
      std::fill_n(ids, kNeighbours, UINT64_MAX);
      const auto stats = findIn(shard, request, data.queries.row(at), size_t(data.base.dim), ids);
      work.distances += stats.distances;
      work.bytes += stats.bytes;
      work.hits += hitsOf(data, at, ids);
    }
    rows.push_back(row("asked", recall, work));
  }
  return joined(rows);
}

uint64_t distancesOfHnswlib = 0;
hnswlib::DISTFUNC<float> uncounted = nullptr;
float countedDistance(const void* a, const void* b, const void* dim) {
  distancesOfHnswlib++;
  return uncounted(a, b, dim);
}

class CountedSpace : public hnswlib::InnerProductSpace {
public:
  explicit CountedSpace(size_t dim) : InnerProductSpace(dim) {
    uncounted = InnerProductSpace::get_dist_func();
  }
  hnswlib::DISTFUNC<float> get_dist_func() override { return countedDistance; }
};

// Its search with the hops of level 0 counted, which searchKnn does not.
class CountedIndex : public hnswlib::HierarchicalNSW<float> {
public:
  using HierarchicalNSW::HierarchicalNSW;

  void find(const float* query, uint64_t* ids) const {
    auto at = enterpoint_node_;
    float nearest = countedDistance(query, getDataByInternalId(at), dist_func_param_);
    for (int level = maxlevel_; level > 0; level--)
      while (step(query, level, at, nearest)) continue;
    auto found = searchBaseLayerST<true, true>(at, query, std::max(ef_, kNeighbours));
    while (found.size() > kNeighbours) found.pop();
    for (size_t i = 0; !found.empty(); i++, found.pop())
      ids[i] = getExternalLabel(found.top().second);
  }

private:
  bool step(const float* query, int level, hnswlib::tableint& at, float& nearest) const {
    auto* const links = get_linklist(at, level);
    const size_t count = getListCount(links);
    bool hasMoved = false;
    for (size_t i = 1; i <= count; i++) {
      const float distance =
          countedDistance(query, getDataByInternalId(links[i]), dist_func_param_);
      if (distance >= nearest) continue;
      nearest = distance;
      at = links[i];
      hasMoved = true;
    }
    return hasMoved;
  }
};

std::string ofHnswlib(const Data& data) {
  const auto dim = size_t(data.base.dim);
  CountedSpace space(dim);
  CountedIndex index(&space, size_t(data.base.count), kM, kEfConstruct);
  for (size_t at = 0; at < size_t(data.base.count); at++) index.addPoint(data.base.row(at), at);
  std::vector<std::string> rows;
  for (const size_t ef : {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384}) {
    index.setEf(ef);
    index.metric_hops = 0;
    distancesOfHnswlib = 0;
    Work work;
    for (size_t at = 0; at < kQueries; at++) {
      uint64_t ids[kNeighbours];
      std::fill_n(ids, kNeighbours, UINT64_MAX);
      index.find(data.queries.row(at), ids);
      work.hits += hitsOf(data, at, ids);
    }
    work.distances = distancesOfHnswlib;
    work.bytes = work.distances * dim * sizeof(float) +
                 uint64_t(index.metric_hops) * (1 + 2 * kM) * sizeof(uint32_t);
    rows.push_back(row("ef", double(ef), work));
  }
  return joined(rows);
}

} // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: work_guard ROWS DIM\n");
    return 2;
  }
  const auto dim = size_t(std::atoi(arguments[2]));
  Random random(kSeed);
  Surface surface(random, dim);
  Data data;
  data.isCosine = true;
  data.base = drawRows(surface, size_t(std::atoi(arguments[1])), dim);
  data.queries = drawRows(surface, kQueries, dim);
  data.truth = nearest(data.base, data.queries);
  // By name: `auto` chooses by a clock.
  static constexpr std::pair<const char*, vicinal::CodeKind> codes[] = {
      {"sq8", vicinal::CodeKind::Sq8},
      {"rabitq4", vicinal::CodeKind::Rabitq4},
      {"rabitq1", vicinal::CodeKind::Rabitq1}};
  std::cout << "{";
  for (const auto& [name, code] : codes)
    std::cout << "\"" << name << "\":" << ofVicinal(data, code) << ",\n";
  std::cout << "\"hnswlib\":" << ofHnswlib(data) << "}\n";
  return 0;
}
