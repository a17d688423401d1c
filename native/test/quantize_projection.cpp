#include <cmath>
#include <random>
#include <vector>

#include "graph/neighbor.hpp"
#include "quantize/code_space.hpp"
#include "quantize/projection.hpp"
#include "test/harness.hpp"

using namespace vicinal;

namespace {

constexpr uint32_t kDim = 320;
const size_t kRows = test::isSlow() ? 400 : 4096;

// Vectors that differ mostly along `rank` directions, the first ones strongest, plus noise.
std::vector<float> rowsOfRank(uint32_t rank, size_t rows, float noise, unsigned seed) {
  std::mt19937 axesRandom(5);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> axes(size_t(rank) * kDim);
  for (float& value : axes) value = normal(axesRandom);
  std::vector<float> data(rows * kDim);
  for (size_t row = 0; row < rows; row++) {
    for (uint32_t axis = 0; axis < rank; axis++) {
      const float weight = normal(random) * 3 / std::sqrt(float(axis + 1));
      for (uint32_t i = 0; i < kDim; i++) data[row * kDim + i] += weight * axes[axis * kDim + i];
    }
    for (uint32_t i = 0; i < kDim; i++) data[row * kDim + i] += noise * normal(random);
  }
  return data;
}

double dot(const float* a, const float* b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; i++) sum += double(a[i]) * b[i];
  return sum;
}

} // namespace

SOLO_TEST("directions are orthonormal and keep the length of vectors of low rank") {
  const auto data = rowsOfRank(30, kRows, 0.5f, 1);
  const auto projection = Projection::train(data.data(), kRows, kDim);
  REQUIRE(projection != nullptr);
  CHECK_EQUAL(projection->reducedDim(), 112u);
  const auto& directions = projection->directions();
  for (uint32_t a = 0; a < 112; a++)
    for (uint32_t b = 0; b <= a; b++)
      CHECK(std::fabs(dot(&directions[a * kDim], &directions[b * kDim], kDim) - (a == b)) < 1e-4);
  const auto others = rowsOfRank(30, 100, 0.5f, 2);
  CHECK(projection->energyOf(others.data(), 100) > 0.9);
  std::vector<float> components(112);
  for (size_t row = 0; row < 100; row++) {
    const float* const vector = &others[row * kDim];
    const float left = projection->apply(vector, components.data());
    const double all = dot(vector, vector, kDim);
    CHECK(std::fabs(dot(components.data(), components.data(), 112) + left - all) < 1e-3 * all);
  }
}

SOLO_TEST("fast projection has the precision of codes") {
  const auto data = rowsOfRank(30, kRows, 0.5f, 1);
  const auto projection = Projection::train(data.data(), kRows, kDim);
  REQUIRE(projection != nullptr);
  std::vector<float> exact(112);
  std::vector<float> fast(112);
  for (size_t row = 0; row < 50; row++) {
    const float* const vector = &data[row * kDim];
    projection->apply(vector, exact.data());
    projection->applyFast(vector, fast.data());
    const double length = std::sqrt(dot(vector, vector, kDim));
    for (size_t i = 0; i < 112; i++) CHECK(std::fabs(exact[i] - fast[i]) < 0.01 * length);
  }
}

SOLO_TEST("the length that directions keep is counted about the mean") {
  const auto withMean = [](size_t rank, float noise) {
    auto data = rowsOfRank(rank, kRows, noise, 3);
    for (size_t at = 0; at < data.size(); at++) data[at] += at % kDim % 2 == 0 ? 30.0f : -20.0f;
    return data;
  };
  // One direction has nearly all of the length, but does not distinguish the vectors.
  CHECK(Projection::train(withMean(0, 1).data(), kRows, kDim) == nullptr);
  const auto data = withMean(30, 0.5f);
  const auto projection = Projection::train(data.data(), kRows, kDim);
  REQUIRE(projection != nullptr);
  CHECK(projection->energyOf(data.data(), kRows) > 0.9);
}

SOLO_TEST("noise, short vectors and zero vectors get no projection") {
  CHECK(Projection::train(rowsOfRank(0, kRows, 1, 3).data(), kRows, kDim) == nullptr);
  CHECK(!Projection::canReduce(100) && !Projection::canReduce(200) && Projection::canReduce(224));
  // Directions would take memory by the square of the dimensions.
  CHECK(Projection::canReduce(4096) && !Projection::canReduce(4097));
  const std::vector<float> wide(size_t(8192) * 2, 1);
  CHECK(Projection::train(wide.data(), 2, 8192) == nullptr);
  const std::vector<float> zeros(100 * kDim, 0);
  const auto projection = Projection::train(zeros.data(), 100, kDim);
  if (projection != nullptr) CHECK_EQUAL(projection->energyOf(zeros.data(), 100), 1.0);
}

SOLO_TEST("the nearest by projected codes are among the nearest with every metric") {
  const size_t rows = 2000;
  auto data = rowsOfRank(30, rows, 0.5f, 1);
  const auto queries = rowsOfRank(30, 20, 0.5f, 9);
  const auto projection = Projection::train(data.data(), std::min(rows, kRows), kDim);
  REQUIRE(projection != nullptr);
  const auto model = RabitqModel::train(data.data(), rows, kDim, projection.get(), 4);
  for (const bool isSq8 : {true, false})
    for (const Metric metric : {Metric::Dot, Metric::L2}) {
      const uint32_t stride = isSq8 ? Sq8Space::strideOf(112) : RabitqSpace::strideOf(4, 104);
      std::vector<uint8_t> memory(rows * stride + kSq8Align);
      const auto address = reinterpret_cast<uintptr_t>(memory.data());
      uint8_t* const first = memory.data() + (kSq8Align - address % kSq8Align) % kSq8Align;
      const CodeSpace codes =
          isSq8 ? CodeSpace(Sq8Space(metric, kDim, first, projection.get()))
                : CodeSpace(RabitqSpace(metric, 4, first, model, projection.get()));
      CHECK_EQUAL(codes.stride(), isSq8 ? 128u : 64u);
      for (uint32_t row = 0; row < rows; row++) codes.encode(row, &data[row * kDim]);
      const Space space(metric, kDim, data.data());
      size_t hits = 0;
      for (size_t q = 0; q < 20; q++) {
        CodeQuery query;
        codes.prepare(&queries[q * kDim], query);
        TopK near(40);
        TopK exact(10);
        std::vector<float> estimates(rows);
        codes.scan(query, 0, rows, estimates.data());
        for (uint32_t row = 0; row < rows; row++) {
          const float seen = estimates[row];
          const float expected = space.distance(&queries[q * kDim], row);
          if (metric == Metric::L2) CHECK(std::fabs(seen - expected) < 0.15f * expected + 1);
          near.offer({seen, row});
          exact.offer({expected, row});
        }
        const auto found = near.takeSorted();
        for (const Neighbor& hit : exact.takeSorted())
          for (const Neighbor& candidate : found) hits += candidate.vertex == hit.vertex ? 1 : 0;
      }
      CHECK(hits >= 190);
    }
}
