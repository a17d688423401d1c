#include "distance/kernels.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "distance/prepare.hpp"
#include "test/distance_fixture.hpp"
#include "test/harness.hpp"

using namespace vicinal;
using vicinal::test::tolerance;

namespace {

constexpr Metric metrics[] = {Metric::Cosine, Metric::Dot, Metric::L2, Metric::L1};
constexpr Isa isas[] = {Isa::Scalar, Isa::Neon, Isa::Avx2, Isa::Avx512};

// The definition, in double precision.
double reference(Metric metric, const float* a, const float* b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; i++) {
    const double x = a[i];
    const double y = b[i];
    if (metric == Metric::L2)
      sum += (x - y) * (x - y);
    else if (metric == Metric::L1)
      sum += std::fabs(x - y);
    else
      sum -= x * y;
  }
  return sum;
}

std::vector<float> randomFloats(std::mt19937& random, size_t count, float scale = 1) {
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<size_t> dims() {
  std::vector<size_t> all;
  for (size_t dim = 1; dim <= 130; dim++) all.push_back(dim);
  for (size_t dim : {255u, 256u, 257u, 384u, 511u, 784u, 1000u, 1536u, 4095u, 4100u})
    all.push_back(dim);
  return all;
}

template <typename Body> void forEachSet(Body body) {
  for (const Isa isa : isas)
    if (const Kernels* set = kernelsFor(isa)) body(*set);
}

} // namespace

SOLO_TEST("every instruction set agrees with the definition, at every dimension and alignment") {
  std::mt19937 random(1);
  for (const size_t dim : dims())
    for (size_t shift = 0; shift < 3; shift++) {
      const auto a = randomFloats(random, dim + 4);
      const auto b = randomFloats(random, dim + 4);
      for (const Metric metric : metrics)
        forEachSet([&](const Kernels& set) {
          const float* x = &a[shift];
          const float* y = &b[shift + 1];
          const double seen = set.floats.distance[size_t(metric)](x, y, dim);
          if (std::fabs(seen - reference(metric, x, y, dim)) > tolerance(metric, x, y, dim))
            CHECK_EQUAL(seen, reference(metric, x, y, dim));
        });
    }
}

SOLO_TEST("one pair and many rows give the same bits, by ids and consecutively") {
  std::mt19937 random(2);
  for (const size_t dim : {1u, 3u, 16u, 31u, 33u, 100u, 129u, 784u}) {
    const size_t rows = 23;
    const auto base = randomFloats(random, rows * dim);
    const auto query = randomFloats(random, dim);
    std::vector<uint32_t> ids;
    for (size_t i = 0; i < rows; i++) ids.push_back(uint32_t(random() % rows));
    for (const Metric metric : metrics)
      forEachSet([&](const Kernels& set) {
        for (size_t count = 0; count <= rows; count++) {
          std::vector<float> byId(count + 1, 42);
          std::vector<float> inOrder(count + 1, 42);
          set.floats.distanceMany[size_t(metric)](query.data(), base.data(), ids.data(), count, dim,
                                                  byId.data());
          set.floats.distanceMany[size_t(metric)](query.data(), base.data(), nullptr, count, dim,
                                                  inOrder.data());
          for (size_t i = 0; i < count; i++) {
            const auto one = set.floats.distance[size_t(metric)];
            CHECK_EQUAL(byId[i], one(query.data(), &base[ids[i] * dim], dim));
            CHECK_EQUAL(inOrder[i], one(query.data(), &base[i * dim], dim));
          }
          CHECK_EQUAL(byId[count], 42.0f);
          CHECK_EQUAL(inOrder[count], 42.0f);
        }
      });
  }
}

SOLO_TEST("the least of many distances has the bits of the least single distance") {
  std::mt19937 random(3);
  const size_t most = 9;
  for (const size_t dim : {1u, 3u, 15u, 16u, 33u, 64u, 100u, 128u, 129u}) {
    auto base = randomFloats(random, most * dim);
    const auto queries = randomFloats(random, most * dim);
    // Distances to these rows are NaN or infinite before they are bounded.
    base[5 * dim] = std::numeric_limits<float>::quiet_NaN();
    base[6 * dim] = std::numeric_limits<float>::infinity();
    for (const Metric metric : metrics)
      forEachSet([&](const Kernels& set) {
        for (size_t queryCount = 0; queryCount <= most; queryCount++)
          for (size_t count = 1; count <= most; count++) {
            std::vector<float> least(queryCount + 1, std::numeric_limits<float>::max());
            if (queryCount > 1) least[1] = -1e6;
            std::vector<float> expected = least;
            set.floats.least[size_t(metric)](queries.data(), queryCount, base.data(), count, dim,
                                             least.data());
            for (size_t q = 0; q < queryCount; q++)
              for (size_t row = 0; row < count; row++)
                expected[q] = std::min(expected[q], set.floats.distance[size_t(metric)](
                                                        &queries[q * dim], &base[row * dim], dim));
            for (size_t q = 0; q <= queryCount; q++) CHECK_EQUAL(least[q], expected[q]);
          }
      });
  }
}

SOLO_TEST("a kernel reads nothing past a vector's end") {
  // The allocation has exactly the vector's size, so that ASan detects a read past its end.
  for (size_t dim = 1; dim <= 66; dim++) {
    std::vector<float> a(dim, 1);
    std::vector<float> b(dim, 2);
    a.shrink_to_fit();
    b.shrink_to_fit();
    forEachSet([&](const Kernels& set) {
      CHECK_EQUAL(set.floats.distance[size_t(Metric::L1)](a.data(), b.data(), dim), float(dim));
    });
  }
}

SOLO_TEST("denormals count, and overflowing distances are bounded instead of infinite or NaN") {
  forEachSet([&](const Kernels& set) {
    const std::vector<float> tiny(33, 1e-40f);
    const std::vector<float> zero(33, 0);
    CHECK(std::fabs(set.floats.distance[size_t(Metric::L1)](tiny.data(), zero.data(), 33) -
                    33e-40f) < 1e-43f);
    std::vector<float> huge(33, 3e38f);
    CHECK_EQUAL(set.floats.distance[size_t(Metric::L2)](huge.data(), zero.data(), 33), FLT_MAX);
    CHECK_EQUAL(set.floats.distance[size_t(Metric::Dot)](huge.data(), huge.data(), 33), -FLT_MAX);
    std::vector<float> mixed = huge;
    for (size_t i = 0; i < mixed.size(); i += 2) mixed[i] = -mixed[i];
    const float cancelled = set.floats.distance[size_t(Metric::Dot)](huge.data(), mixed.data(), 33);
    CHECK(std::fabs(cancelled) <= FLT_MAX); // infinity minus infinity
  });
}

SOLO_TEST("the environment chooses a lower instruction set") {
  const char* forced = std::getenv("VICINAL_ISA");
  if (forced != nullptr) CHECK_EQUAL(std::string(kernels().name), forced);
  CHECK(kernelsFor(kernels().isa) == &kernels());
}

SOLO_TEST("scores and distances convert to each other") {
  CHECK_EQUAL(scoreOf(Metric::Cosine, -0.5f), 0.5f);
  CHECK_EQUAL(distanceOf(Metric::Dot, 3.0f), -3.0f);
  CHECK_EQUAL(scoreOf(Metric::L2, distanceOf(Metric::L2, 3.0f)), 3.0f);
  CHECK_EQUAL(scoreOf(Metric::L1, 2.0f), 2.0f);
  CHECK(distanceOf(Metric::L2, -1.0f) < 0);
}

SOLO_TEST(
    "preparing normalises vectors whose norm overflows a float, and keeps zero and unit vectors") {
  std::mt19937 random(3);
  for (const size_t dim : {1u, 7u, 100u, 1536u})
    for (const float scale : {1.0f, 1e-42f, 1e-20f, 1e20f, 1e37f}) {
      auto vector = randomFloats(random, dim, scale);
      if (norm(vector.data(), dim) == 0) continue;
      CHECK_EQUAL(prepareVectors(vector.data(), 1, dim, true), int64_t(-1));
      CHECK(std::fabs(norm(vector.data(), dim) - 1) < 1e-6);
      const auto once = vector;
      CHECK_EQUAL(prepareVectors(vector.data(), 1, dim, true), int64_t(-1));
      CHECK(std::memcmp(once.data(), vector.data(), dim * sizeof(float)) == 0);
    }
  std::vector<float> zero(5, 0);
  CHECK_EQUAL(prepareVectors(zero.data(), 1, 5, true), int64_t(-1));
  CHECK_EQUAL(norm(zero.data(), 5), 0.0);
}

SOLO_TEST(
    "preparing returns the first vector with a component that is not finite, at any position") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()})
    for (size_t at = 0; at < 19; at++) {
      std::vector<float> data(5 * 19, 1.5f);
      data[3 * 19 + at] = bad;
      CHECK_EQUAL(prepareVectors(data.data(), 5, 19, false), int64_t(3));
      CHECK_EQUAL(prepareVectors(data.data(), 3, 19, false), int64_t(-1));
      CHECK_EQUAL(data[0], 1.5f);
    }
}

SOLO_TEST("rounding to half precision gives the nearest half, ties to even, and infinity beyond "
          "the greatest") {
  std::vector<float> halves; // the non-negative halves, ascending
  for (uint32_t exponent = 0; exponent < 31; exponent++)
    for (uint32_t fraction = 0; fraction < 1024; fraction++)
      halves.push_back(exponent == 0 ? std::ldexp(float(fraction), -24)
                                     : std::ldexp(1024.0f + float(fraction), int(exponent) - 25));
  for (const float half : halves) CHECK_EQUAL(roundedToHalf(half), half);
  for (size_t at = 0; at + 1 < halves.size(); at++) {
    const float low = halves[at];
    const float high = halves[at + 1];
    const float middle = (low + high) / 2;
    CHECK_EQUAL(roundedToHalf(middle), at % 2 == 0 ? low : high);
    CHECK_EQUAL(roundedToHalf(-middle), at % 2 == 0 ? -low : -high);
    CHECK_EQUAL(roundedToHalf(std::nextafter(middle, 0.0f)), low);
    CHECK_EQUAL(roundedToHalf(std::nextafter(middle, high)), high);
  }
  CHECK_EQUAL(roundedToHalf(65519.9f), 65504.0f);
  CHECK(std::isinf(roundedToHalf(65520.0f)));
  CHECK(std::isinf(roundedToHalf(-3e38f)));
}

SOLO_TEST("vectors are rounded to their datatype, integers before they are scaled") {
  std::vector<float> bytes = {-3, 0.9f, 7.9f, 300};
  CHECK_EQUAL(prepareVectors(bytes.data(), 1, 4, false, Datatype::Uint8), int64_t(-1));
  CHECK(bytes == std::vector<float>({0, 0, 7, 255}));
  std::vector<float> unit = {3.5f, 4.5f};
  CHECK_EQUAL(prepareVectors(unit.data(), 1, 2, true, Datatype::Uint8), int64_t(-1));
  CHECK(unit == std::vector<float>({0.6f, 0.8f}));
  std::vector<float> halves = {1, 2, 70'000, 1};
  CHECK_EQUAL(prepareVectors(halves.data(), 2, 2, false, Datatype::Float16), int64_t(1));
}
