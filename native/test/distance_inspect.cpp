#include <cfloat>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <vector>

#include "distance/inspect.hpp"
#include "distance/near_earlier.hpp"
#include "test/harness.hpp"

using namespace vicinal;

namespace {

struct Facts {
  std::vector<double> norms;
  std::vector<uint8_t> flags;
  std::vector<uint32_t> hashes;
  explicit Facts(size_t count) : norms(count), flags(count), hashes(2 * count) {}
};

Facts facts(const std::vector<float>& data, size_t dim, Datatype datatype = Datatype::Float32) {
  Facts found(data.size() / dim);
  inspectVectors(data.data(), found.norms.size(), dim, datatype, found.norms.data(),
                 found.flags.data(), found.hashes.data());
  return found;
}

std::vector<float> floatsOf(std::mt19937& random, size_t count, float scale = 1) {
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

} // namespace

// The scalar twin: one component after the other.
double scalarNorm(const float* vector, size_t dim) {
  long double sum = 0;
  for (size_t i = 0; i < dim; i++) sum += double(vector[i]) * double(vector[i]);
  return double(std::sqrt(sum));
}

uint8_t scalarFlags(const float* vector, size_t dim, float most) {
  uint8_t flags = 0;
  for (size_t i = 0; i < dim; i++) {
    if (vector[i] != vector[i]) flags |= kHasNan;
    if (vector[i] > most || vector[i] < -most) flags |= kHasBeyond;
  }
  return flags;
}

SOLO_TEST("an inspection finds what its scalar twin finds") {
  std::mt19937 random(5);
  for (const size_t dim : {1u, 2u, 3u, 7u, 8u, 9u, 16u, 31u, 100u, 129u, 1536u})
    for (const float scale : {1.0f, 1e-42f, 2e4f, 1e30f})
      for (const Datatype datatype : {Datatype::Float32, Datatype::Float16, Datatype::Uint8}) {
        auto data = floatsOf(random, 9 * dim, scale);
        data[3 * dim + random() % dim] = kNan;
        data[5 * dim + random() % dim] = -kInfinity;
        const Facts found = facts(data, dim, datatype);
        const float most = datatype == Datatype::Float16 ? 65519.996f : FLT_MAX;
        for (size_t row = 0; row < 9; row++) {
          const float* vector = &data[row * dim];
          CHECK_EQUAL(int(found.flags[row]), int(scalarFlags(vector, dim, most)));
          const double expected = scalarNorm(vector, dim);
          if (row != 3 && row != 5)
            CHECK(std::fabs(found.norms[row] - expected) <= 1e-12 * expected);
        }
      }
}

SOLO_TEST("an inspection finds a component that is not finite at any position") {
  for (const auto& [bad, flag] : {std::pair{kNan, kHasNan}, std::pair{kInfinity, kHasBeyond}})
    for (size_t at = 0; at < 19; at++) {
      std::vector<float> data(3 * 19, 1.5f);
      data[19 + at] = bad;
      const Facts found = facts(data, 19);
      CHECK_EQUAL(int(found.flags[0]), 0);
      CHECK_EQUAL(int(found.flags[1]), int(flag));
      CHECK_EQUAL(int(found.flags[2]), 0);
      CHECK(!std::isfinite(found.norms[1]));
    }
}

SOLO_TEST("beyond half precision is beyond for halves alone, and a zero vector has the norm 0") {
  const std::vector<float> data = {65519, 0, 65520, 0, 50'000, 50'000, 0, -0.0f};
  const Facts halves = facts(data, 2, Datatype::Float16);
  CHECK(halves.flags == std::vector<uint8_t>({0, kHasBeyond, 0, 0}));
  CHECK(facts(data, 2).flags == std::vector<uint8_t>(4, 0));
  CHECK_EQUAL(halves.norms[3], 0.0);
}

SOLO_TEST("vectors that differ in one bit have different hashes, and equal ones the same") {
  std::mt19937 random(6);
  for (const size_t dim : {1u, 2u, 7u, 8u, 17u}) {
    const auto vector = floatsOf(random, dim);
    std::set<std::pair<uint32_t, uint32_t>> seen;
    for (size_t bit = 0; bit <= dim * 32; bit++) {
      auto other = vector;
      if (bit < dim * 32) {
        uint32_t word;
        std::memcpy(&word, &other[bit / 32], sizeof word);
        word ^= 1u << (bit % 32);
        std::memcpy(&other[bit / 32], &word, sizeof word);
      }
      const Facts found = facts(other, dim);
      seen.insert({found.hashes[0], found.hashes[1]});
      CHECK(facts(other, dim).hashes == found.hashes);
    }
    CHECK_EQUAL(seen.size(), dim * 32 + 1);
  }
}

SOLO_TEST("of several near vectors the first stays, within the window, and passed over ones do not "
          "count") {
  const std::vector<float> data = {0, 0, 10, 0, 0.1f, 0, 10.1f, 0, 0.2f, 0, 20, 0};
  std::vector<uint32_t> ids = {1, 2, 3, 4, 5, 6};
  const auto near = [&](size_t window, std::vector<int32_t> found) {
    std::vector<float> scores(found.size());
    nearEarlier({data.data(), ids.data(), found.size(), 2, 1}, Metric::L2, 0.25f, window,
                found.data(), scores.data());
    return found;
  };
  CHECK(near(9, std::vector<int32_t>(6, -1)) == std::vector<int32_t>({-1, -1, 0, 1, 0, -1}));
  // Beyond the window of two rows the third near vector is the first of its own.
  CHECK(near(2, std::vector<int32_t>(6, -1)) == std::vector<int32_t>({-1, -1, 0, 1, -1, -1}));
  CHECK(near(9, {-2, -1, -1, -1, -1, -1}) == std::vector<int32_t>({-2, -1, -1, 1, 2, -1}));
  // Rows of one point are no duplicates of each other.
  ids = {1, 2, 1, 2, 5, 6};
  CHECK(near(9, std::vector<int32_t>(6, -1)) == std::vector<int32_t>({-1, -1, -1, -1, 0, -1}));
}
