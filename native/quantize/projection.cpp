#include "quantize/projection.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace vicinal {

namespace {

// Beyond this, projecting a vector costs more time than shorter codes save.
constexpr uint32_t kMostReduced = 368;
constexpr int kIterations = 10;
constexpr unsigned kProjectionSeed = 7;
// Vectors of the sample that measure how much length the directions keep.
constexpr size_t kMostJudged = 1024;

// The numbers of dimensions whose codes fill whole cache lines.
std::vector<uint32_t> reducedDims(uint32_t dim) {
  std::vector<uint32_t> dims;
  const uint32_t most = std::min(dim / 2, kMostReduced);
  for (uint32_t lines = 2; lines * kSq8Align - sizeof(Sq8Terms) <= most; lines++)
    dims.push_back(uint32_t(lines * kSq8Align - sizeof(Sq8Terms)));
  return dims;
}

// The mean products of every two dimensions over the sample: dim × dim.
std::vector<float> secondMoments(const float* sample, size_t count, uint32_t dim) {
  std::vector<float> columns(size_t(dim) * count);
  for (size_t row = 0; row < count; row++)
    for (uint32_t i = 0; i < dim; i++) columns[size_t(i) * count + row] = sample[row * dim + i];
  const Space space(Metric::Dot, uint32_t(count), columns.data());
  std::vector<float> moments(size_t(dim) * dim);
  for (uint32_t i = 0; i < dim; i++)
    space.scan(&columns[size_t(i) * count], 0, dim, &moments[size_t(i) * dim]);
  for (float& moment : moments) moment /= -float(count); // the kernel's dot products are negated
  return moments;
}

// Gram-Schmidt, run twice, because one pass leaves rounding errors.
void orthonormalise(std::vector<float>& rows, uint32_t count, uint32_t dim) {
  const DistanceFn negativeDot = kernels().floats.distance[size_t(Metric::Dot)];
  for (uint32_t a = 0; a < count; a++) {
    float* const row = &rows[size_t(a) * dim];
    for (int pass = 0; pass < 2; pass++)
      for (uint32_t b = 0; b < a; b++) {
        const float* const other = &rows[size_t(b) * dim];
        const float along = -negativeDot(row, other, dim);
        for (uint32_t i = 0; i < dim; i++) row[i] -= along * other[i];
      }
    const float length = std::sqrt(-negativeDot(row, row, dim));
    // All vectors agree along this direction, so any unit vector would do and none is needed.
    const float scale = length > 1e-12f ? 1 / length : 0;
    for (uint32_t i = 0; i < dim; i++) row[i] *= scale;
  }
}

// The `count` principal directions by orthogonal iteration, the strongest first.
std::vector<float> principalDirections(const std::vector<float>& moments, uint32_t count,
                                       uint32_t dim) {
  std::mt19937 random(kProjectionSeed);
  std::normal_distribution<float> normal;
  std::vector<float> rows(size_t(count) * dim);
  for (float& value : rows) value = normal(random);
  orthonormalise(rows, count, dim);
  const Space space(Metric::Dot, dim, moments.data());
  std::vector<float> next(rows.size());
  for (int iteration = 0; iteration < kIterations; iteration++) {
    for (uint32_t a = 0; a < count; a++)
      space.scan(&rows[size_t(a) * dim], 0, dim, &next[size_t(a) * dim]);
    orthonormalise(next, count, dim);
    rows.swap(next);
  }
  return rows;
}

// Squared lengths about the mean: of whole vectors, and of their components along each direction.
// The mean itself is left out, because it distinguishes no vector from another.
struct Energy {
  double all = 0;
  std::vector<double> along;
};

Energy energyAlong(const std::vector<float>& directions, const float* vectors, size_t count,
                   uint32_t dim) {
  const auto reduced = uint32_t(directions.size() / dim);
  const size_t judged = std::min(count, kMostJudged);
  const auto vectorAt = [&](size_t at) { return vectors + at * count / judged * dim; };
  std::vector<double> mean(dim);
  for (size_t at = 0; at < judged; at++)
    for (uint32_t i = 0; i < dim; i++) mean[i] += double(vectorAt(at)[i]) / double(judged);
  const Space space(Metric::Dot, dim, directions.data());
  std::vector<float> centred(dim);
  std::vector<float> components(reduced);
  Energy energy;
  energy.along.resize(reduced);
  for (size_t at = 0; at < judged; at++) {
    for (uint32_t i = 0; i < dim; i++) {
      centred[i] = float(double(vectorAt(at)[i]) - mean[i]);
      energy.all += double(centred[i]) * double(centred[i]);
    }
    space.scan(centred.data(), 0, reduced, components.data());
    for (uint32_t i = 0; i < reduced; i++)
      energy.along[i] += double(components[i]) * double(components[i]);
  }
  return energy;
}

} // namespace

bool Projection::canReduce(uint32_t dim) { return dim <= kMostDims && !reducedDims(dim).empty(); }

Projection::Projection(std::vector<float> directions, uint32_t dim)
    : dim_(dim), reducedDim_(uint32_t(directions.size() / dim)), directions_(std::move(directions)),
      space_(Metric::Dot, dim, directions_.data()), coded_(directions_, dim) {}

std::shared_ptr<const Projection> Projection::from(std::vector<float> directions, uint32_t dim) {
  return std::shared_ptr<const Projection>(new Projection(std::move(directions), dim));
}

std::shared_ptr<const Projection> Projection::train(const float* sample, size_t count,
                                                    uint32_t dim) {
  if (!canReduce(dim) || count == 0) return nullptr;
  const std::vector<uint32_t> dims = reducedDims(dim);
  const std::vector<float> moments = secondMoments(sample, count, dim);
  std::vector<float> directions = principalDirections(moments, dims.back(), dim);
  const Energy energy = energyAlong(directions, sample, count, dim);
  double kept = 0;
  uint32_t at = 0;
  for (const uint32_t reduced : dims) {
    for (; at < reduced; at++) kept += energy.along[at];
    if (!(kept >= kLeastEnergy * energy.all)) continue;
    directions.resize(size_t(reduced) * dim);
    return from(std::move(directions), dim);
  }
  return nullptr;
}

namespace {

// Turns negative dot products into components. Returns the squared length of `vector` outside the
// directions.
float takeComponents(const float* vector, uint32_t dim, float* components, uint32_t count) {
  const DistanceFn negativeDot = kernels().floats.distance[size_t(Metric::Dot)];
  for (uint32_t i = 0; i < count; i++) components[i] = -components[i];
  const float kept = -negativeDot(components, components, count);
  return std::max(0.0f, -negativeDot(vector, vector, dim) - kept);
}

} // namespace

float Projection::apply(const float* vector, float* components) const {
  space_.scan(vector, 0, reducedDim_, components);
  return takeComponents(vector, dim_, components, reducedDim_);
}

CodedDirections::CodedDirections(const std::vector<float>& directions, uint32_t dim)
    : dim_(dim), count_(uint32_t(directions.size() / dim)),
      memory_(size_t(count_) * Sq8Space::strideOf(dim) + kSq8Align) {
  const auto address = reinterpret_cast<uintptr_t>(memory_.data());
  codes_ =
      Sq8Space(Metric::Dot, dim, memory_.data() + (kSq8Align - address % kSq8Align) % kSq8Align);
  for (uint32_t row = 0; row < count_; row++) codes_.encode(row, &directions[size_t(row) * dim]);
}

float CodedDirections::apply(const float* vector, float* components) const {
  thread_local Sq8Query query;
  codes_.prepare(vector, query);
  codes_.scan(query, 0, count_, components);
  return takeComponents(vector, dim_, components, count_);
}

double Projection::energyOf(const float* vectors, size_t count) const {
  const Energy energy = energyAlong(directions_, vectors, count, dim_);
  const double kept = std::accumulate(energy.along.begin(), energy.along.end(), 0.0);
  return energy.all > 0 ? kept / energy.all : 1;
}

} // namespace vicinal
