#include "distance/pairwise.hpp"

#include <cmath>
#include <random>
#include <vector>

#include "test/harness.hpp"

using namespace vicinal;

static std::vector<float> randomVectors(size_t count) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(count);
  for (float& value : vectors) value = normal(random);
  return vectors;
}

SOLO_TEST("distances of all pairs are those of each pair") {
  constexpr size_t kCount = 37, kDim = 11;
  const std::vector<float> vectors = randomVectors(kCount * kDim);
  Buffer<float> distances;
  REQUIRE(squaredDistances(vectors.data(), kCount, kDim, nullptr, distances).isOk());
  REQUIRE(distances.size() == kCount * kCount);
  for (size_t a = 0; a < kCount; a++) {
    for (size_t b = 0; b < kCount; b++) {
      double expected = 0;
      for (size_t at = 0; at < kDim; at++)
        expected += std::pow(double(vectors[a * kDim + at]) - vectors[b * kDim + at], 2);
      CHECK(std::abs(distances[a * kCount + b] - expected) < 1e-4 * (1 + expected));
    }
  }
}

SOLO_TEST("sums within splits are those of their pairs") {
  // More rows than stay in the cache at once.
  constexpr size_t kCount = 700, kSplits = 3;
  std::vector<float> distances = randomVectors(kCount * kCount);
  for (float& distance : distances) distance = std::abs(distance);
  std::vector<uint8_t> labels(kSplits * kCount);
  std::mt19937 random(8);
  for (uint8_t& label : labels) label = random() % 2;
  Buffer<double> sums;
  REQUIRE(sumsWithin(distances.data(), kCount, labels.data(), kSplits, nullptr, sums).isOk());
  for (size_t split = 0; split < kSplits; split++) {
    double expected = 0;
    for (size_t at = 0; at < kCount * kCount; at++)
      if (labels[split * kCount + at / kCount] && labels[split * kCount + at % kCount])
        expected += distances[at];
    CHECK(std::abs(sums[split] / expected - 1) < 1e-4);
  }
}

SOLO_TEST("no vectors have no distances, and cancelled work says so") {
  Buffer<float> distances;
  CHECK(squaredDistances(nullptr, 0, 3, nullptr, distances).isOk());
  CHECK(distances.empty());
  CancelFlag cancel;
  cancel.cancel();
  const std::vector<float> vectors = randomVectors(6);
  CHECK(squaredDistances(vectors.data(), 2, 3, &cancel, distances).code() == Code::Cancelled);
  Buffer<double> sums;
  const std::vector<uint8_t> labels(2, 1);
  CHECK(sumsWithin(vectors.data(), 2, labels.data(), 1, &cancel, sums).code() == Code::Cancelled);
}
