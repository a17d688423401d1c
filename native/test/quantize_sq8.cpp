#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "quantize/sq8_kernels.hpp"
#include "test/harness.hpp"

using namespace vicinal;

namespace {

constexpr Metric metrics[] = {Metric::Cosine, Metric::Dot, Metric::L2};
constexpr Isa isas[] = {Isa::Scalar, Isa::Neon, Isa::Avx2, Isa::Avx512};
constexpr uint32_t dims[] = {1,  3,   4,   15,  16,  47,  48,  49,   63,   64,
                             65, 100, 127, 128, 129, 512, 784, 1600, 4095, 4100};

std::vector<float> randomFloats(std::mt19937& random, size_t count, float mean, float deviation) {
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// Consecutive rows: ordinary, far from zero, denormal, huge, of zero width, and with the greatest
// and the least float.
std::vector<float> rowsOfAnyKind(std::mt19937& random, uint32_t dim) {
  std::vector<float> rows;
  const auto add = [&](const std::vector<float>& row) {
    rows.insert(rows.end(), row.begin(), row.end());
  };
  add(randomFloats(random, dim, 0, 1));
  add(randomFloats(random, dim, -300, 0.01f));
  add(randomFloats(random, dim, 0, 1e-41f));
  add(randomFloats(random, dim, 0, 1e38f));
  add(std::vector<float>(dim, -0.0f));
  add(std::vector<float>(dim, 7.5f));
  add(randomFloats(random, dim, 0, 1));
  const size_t last = rows.size() - dim;
  rows[last + dim / 2] = std::numeric_limits<float>::max();
  rows[last + dim / 3] = -std::numeric_limits<float>::max();
  return rows;
}

// Rows of codes, aligned like those in a Region.
struct Rows {
  Rows(Metric metric, uint32_t dim, const std::vector<float>& data)
      : memory(data.size() / dim * Sq8Space::strideOf(dim) + kSq8Align) {
    const auto address = reinterpret_cast<uintptr_t>(memory.data());
    uint8_t* first = memory.data() + (kSq8Align - address % kSq8Align) % kSq8Align;
    space = Sq8Space(metric, dim, first);
    for (uint32_t row = 0; row < data.size() / dim; row++) space.encode(row, &data[row * dim]);
  }
  const Sq8Terms& terms(uint32_t row) const {
    return *reinterpret_cast<const Sq8Terms*>(space.row(row) + space.stride() - sizeof(Sq8Terms));
  }
  double component(uint32_t row, uint32_t i) const {
    return terms(row).middle + double(terms(row).scale) * (space.row(row)[i] - 128);
  }

  std::vector<uint8_t> memory;
  Sq8Space space;
};

// The distance of two decoded rows in double precision; `size` becomes the magnitude of the summed
// terms.
double reference(const Rows& rows, uint32_t a, uint32_t b, double& size) {
  double sum = 0;
  size = 0;
  for (uint32_t i = 0; i < rows.space.codes(); i++) {
    const double x = rows.component(a, i);
    const double y = rows.component(b, i);
    sum += rows.space.metric() == Metric::L2 ? (x - y) * (x - y) : -x * y;
    size += x * x + y * y;
  }
  return sum;
}

float measured(Sq8ManyFn many, const Rows& rows, const Sq8Query& query, uint32_t id) {
  float distance;
  many(query, rows.space.row(0), rows.space.stride(), &id, 1, &distance);
  return distance;
}

Sq8ManyFn ofMetric(const Sq8Kernels& set, Metric metric) {
  return metric == Metric::L2 ? set.l2 : set.dot;
}

} // namespace

SOLO_TEST("a row decodes to within half a step of its vector, wherever its values lie") {
  std::mt19937 random(1);
  for (const float mean : {0.0f, 5.0f, -1000.0f})
    for (const uint32_t dim : dims) {
      const auto data = randomFloats(random, dim * 3, mean, 2);
      const Rows rows(Metric::Dot, dim, data);
      for (uint32_t row = 0; row < 3; row++)
        for (uint32_t i = 0; i < dim; i++) {
          const double step = rows.terms(row).scale;
          CHECK(std::fabs(rows.component(row, i) - data[row * dim + i]) <=
                0.5 * step + 1e-6 * std::fabs(mean) + 1e-6);
        }
    }
}

SOLO_TEST("every instruction set gives the distance of the decoded rows with the same bits") {
  std::mt19937 random(2);
  for (const float mean : {0.0f, 100.0f})
    for (const uint32_t dim : dims)
      for (const Metric metric : metrics) {
        const uint32_t count = 9;
        const Rows rows(metric, dim, randomFloats(random, dim * count, mean, 1));
        for (uint32_t a = 0; a < count; a++) {
          Sq8Query query;
          rows.space.prepare(a, query);
          for (uint32_t b = 0; b < count; b++) {
            double size;
            const double expected = reference(rows, a, b, size);
            const float scalar =
                measured(ofMetric(*sq8KernelsFor(Isa::Scalar), metric), rows, query, b);
            // In L2 distances the common mean cancels before anything is rounded.
            const double allowed =
                metric == Metric::L2 ? 4e-6 * (expected + dim) + 2e-4 * mean : 1e-6 * size;
            if (!(std::fabs(scalar - expected) <= allowed)) CHECK_EQUAL(scalar, expected);
            for (const Isa isa : isas)
              if (const Sq8Kernels* set = sq8KernelsFor(isa))
                CHECK_EQUAL(measured(ofMetric(*set, metric), rows, query, b), scalar);
          }
        }
      }
}

SOLO_TEST("every instruction set gives the same distances for rows of any kind") {
  std::mt19937 random(10);
  for (const uint32_t dim : dims)
    for (const Metric metric : metrics) {
      const Rows rows(metric, dim, rowsOfAnyKind(random, dim));
      for (uint32_t a = 0; a < 7; a++) {
        Sq8Query query;
        rows.space.prepare(a, query);
        for (uint32_t b = 0; b < 7; b++)
          for (const Isa isa : isas)
            if (const Sq8Kernels* set = sq8KernelsFor(isa))
              CHECK_EQUAL(measured(ofMetric(*set, metric), rows, query, b),
                          measured(ofMetric(*sq8KernelsFor(Isa::Scalar), metric), rows, query, b));
      }
    }
}

namespace {

// Groups of four different rows, in the loops for codes of two lines and of any length.
void checkGroups(uint32_t dim, Sq8ManyFn Sq8Kernels::*metric) {
  std::mt19937 random(3);
  const uint32_t count = 23;
  const Rows rows(Metric::L2, dim, randomFloats(random, dim * count, 0, 1));
  Sq8Query query;
  rows.space.prepare(7, query);
  const Sq8ManyFn scalar = sq8KernelsFor(Isa::Scalar)->*metric;
  for (const Isa isa : isas) {
    const Sq8Kernels* set = sq8KernelsFor(isa);
    if (set == nullptr) continue;
    const Sq8ManyFn score = set->*metric;
    std::vector<uint32_t> ids;
    for (uint32_t i = 0; i < count; i++) ids.push_back(uint32_t(random() % count));
    for (uint32_t asked = 0; asked <= count; asked++) {
      std::vector<float> byId(count + 1, 42);
      std::vector<float> inOrder(count + 1, 42);
      score(query, rows.space.row(0), rows.space.stride(), ids.data(), asked, byId.data());
      score(query, rows.space.row(0), rows.space.stride(), nullptr, asked, inOrder.data());
      for (uint32_t i = 0; i < asked; i++) {
        CHECK_EQUAL(byId[i], measured(scalar, rows, query, ids[i]));
        CHECK_EQUAL(inOrder[i], measured(scalar, rows, query, i));
      }
      CHECK_EQUAL(byId[asked], 42.0f);
      CHECK_EQUAL(inOrder[asked], 42.0f);
    }
  }
}

} // namespace

SOLO_TEST("many rows at once get the scores of single rows, by ids and consecutively, and nothing "
          "else is written") {
  for (const uint32_t dim : {40u, 100u, 112u, 200u}) {
    checkGroups(dim, &Sq8Kernels::l2);
    checkGroups(dim, &Sq8Kernels::dot);
  }
}

SOLO_TEST("a vector and its row give the same query") {
  std::mt19937 random(4);
  const uint32_t dim = 77;
  const auto data = randomFloats(random, dim * 2, 3, 1);
  const Rows rows(Metric::L2, dim, data);
  Sq8Query ofVector;
  Sq8Query ofRow;
  rows.space.prepare(&data[dim], ofVector);
  rows.space.prepare(1, ofRow);
  for (uint32_t row = 0; row < 2; row++)
    CHECK_EQUAL(rows.space.distance(ofVector, row), rows.space.distance(ofRow, row));
  CHECK(std::fabs(rows.space.distance(ofRow, 1)) < 1e-4);
}

SOLO_TEST("rows of zero width, of denormals and of the greatest width give finite distances") {
  const float huge = std::numeric_limits<float>::max();
  const uint32_t dim = 50;
  std::vector<float> data;
  data.insert(data.end(), dim, 0);
  data.insert(data.end(), dim, -7.5f);
  for (uint32_t i = 0; i < dim; i++) data.push_back(i % 2 == 0 ? 1e-41f : -1e-41f);
  for (uint32_t i = 0; i < dim; i++) data.push_back(i % 2 == 0 ? huge : -huge);
  for (const Metric metric : metrics) {
    const Rows rows(metric, dim, data);
    for (uint32_t a = 0; a < 4; a++) {
      Sq8Query query;
      rows.space.prepare(a, query);
      for (uint32_t b = 0; b < 4; b++) CHECK(std::isfinite(rows.space.distance(query, b)));
    }
    Sq8Query zero;
    rows.space.prepare(uint32_t(0), zero);
    CHECK(std::fabs(rows.space.distance(zero, 1) - (metric == Metric::L2 ? dim * 56.25f : 0)) <
          0.1f);
  }
}

SOLO_TEST("sums at the greatest dimension do not overflow") {
  const uint32_t dim = 65'536;
  std::vector<float> data(2 * dim, 1);
  data[0] = data[dim] = -1; // so that all other codes are the greatest
  const Rows rows(Metric::Dot, dim, data);
  Sq8Query query;
  rows.space.prepare(uint32_t(0), query);
  for (const Isa isa : isas)
    if (const Sq8Kernels* set = sq8KernelsFor(isa))
      CHECK(std::fabs(measured(set->dot, rows, query, 1) + float(dim)) < 1);
}

SOLO_TEST("every instruction set encodes any vector to the same row") {
  std::mt19937 random(9);
  std::vector<std::vector<float>> vectors;
  for (const uint32_t dim : dims) {
    const auto rows = rowsOfAnyKind(random, dim);
    for (size_t at = 0; at < rows.size(); at += dim)
      vectors.emplace_back(rows.begin() + ptrdiff_t(at), rows.begin() + ptrdiff_t(at + dim));
  }
  for (const std::vector<float>& vector : vectors) {
    const uint32_t stride = Sq8Space::strideOf(uint32_t(vector.size()));
    std::vector<uint8_t> expected(stride);
    sq8KernelsFor(Isa::Scalar)->encode(vector.data(), vector.size(), stride, expected.data());
    for (const Isa isa : isas) {
      const Sq8Kernels* set = sq8KernelsFor(isa);
      if (set == nullptr) continue;
      std::vector<uint8_t> row(stride, 0xff);
      set->encode(vector.data(), vector.size(), stride, row.data());
      CHECK(row == expected);
    }
  }
}
