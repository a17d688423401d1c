#include <cfloat>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "quantize/rabitq_kernels.hpp"
#include "test/harness.hpp"

using namespace vicinal;

namespace {

constexpr Metric metrics[] = {Metric::Cosine, Metric::Dot, Metric::L2};
constexpr Isa isas[] = {Isa::Scalar, Isa::Neon, Isa::Avx2, Isa::Avx512};
constexpr uint32_t bitCounts[] = {1, 4};
constexpr uint32_t dims[] = {1,   2,   3,   15,  33,  63,  64,   65,   100,  127,
                             128, 129, 200, 256, 512, 784, 1000, 1536, 4096, 4100};

std::vector<float> randomFloats(std::mt19937& random, size_t count, float mean, float deviation) {
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// Rows of codes, aligned like those in a Region.
struct Rows {
  Rows(Metric metric, uint32_t bits, uint32_t dim, const std::vector<float>& data, bool isCentred)
      : memory(data.size() / dim * RabitqSpace::strideOf(bits, dim) + kAlign) {
    const auto address = reinterpret_cast<uintptr_t>(memory.data());
    const size_t count = data.size() / dim;
    auto model = isCentred ? RabitqModel::train(data.data(), count, dim)
                           : std::make_shared<const RabitqModel>(std::vector<float>(dim));
    space = RabitqSpace(metric, bits, memory.data() + (kAlign - address % kAlign) % kAlign, model);
    for (uint32_t row = 0; row < count; row++) space.encode(row, &data[row * dim]);
  }
  static constexpr size_t kAlign = 64;
  std::vector<uint8_t> memory;
  RabitqSpace space;
};

double exactDistance(Metric metric, const float* a, const float* b, uint32_t dim) {
  double sum = 0;
  for (uint32_t i = 0; i < dim; i++) {
    const double x = a[i];
    const double y = b[i];
    sum += metric == Metric::L2 ? (x - y) * (x - y) : -x * y;
  }
  return sum;
}

// Errors of estimated distances, in units of the standard error that the codes report.
std::vector<double> errorsOf(Metric metric, uint32_t bits, uint32_t dim,
                             const std::vector<float>& data, const std::vector<float>& queries) {
  const Rows rows(metric, bits, dim, data, true);
  const auto count = uint32_t(data.size() / dim);
  std::vector<double> errors;
  std::vector<float> estimates(count);
  for (size_t at = 0; at < queries.size(); at += dim) {
    RabitqQuery query;
    rows.space.prepare(&queries[at], query);
    rows.space.scan(query, 0, count, estimates.data());
    for (uint32_t row = 0; row < count; row++) {
      const double exact = exactDistance(metric, &data[size_t(row) * dim], &queries[at], dim);
      errors.push_back((estimates[row] - exact) / rows.space.errorOf(query, row));
    }
  }
  return errors;
}

double shareWithin(const std::vector<double>& errors, double bound) {
  size_t within = 0;
  for (const double error : errors) within += std::fabs(error) <= bound ? 1 : 0;
  return double(within) / double(errors.size());
}

double meanOf(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / double(values.size());
}

} // namespace

SOLO_TEST("a rotation keeps lengths and angles and spreads one component over all") {
  std::mt19937 random(3);
  for (const uint32_t dim : dims) {
    const Rotation rotation(dim);
    const auto a = randomFloats(random, dim, 1, 2);
    const auto b = randomFloats(random, dim, 0, 1);
    auto ra = a;
    auto rb = b;
    rotation.apply(ra.data());
    rotation.apply(rb.data());
    const double size = -exactDistance(Metric::Dot, a.data(), a.data(), dim);
    const double dot = exactDistance(Metric::Dot, a.data(), b.data(), dim);
    CHECK(std::fabs(exactDistance(Metric::Dot, ra.data(), ra.data(), dim) + size) < 1e-5 * size);
    CHECK(std::fabs(exactDistance(Metric::Dot, ra.data(), rb.data(), dim) - dot) <
          1e-5 * (size + dim));
    std::vector<float> single(dim, 0);
    single[dim / 2] = 1;
    rotation.apply(single.data());
    float greatest = 0;
    for (const float value : single) greatest = std::max(greatest, std::fabs(value));
    if (dim >= 100) CHECK(greatest < 0.6f);
  }
}

SOLO_TEST("RaBitQ: every instruction set gives the same bits") {
  std::mt19937 random(4);
  for (const uint32_t bits : bitCounts)
    for (const uint32_t dim : dims)
      for (const Metric metric : metrics) {
        constexpr uint32_t count = 11;
        const auto data = randomFloats(random, size_t(count) * dim, 0.5, 1);
        const Rows rows(metric, bits, dim, data, true);
        RabitqQuery query;
        rows.space.prepare(randomFloats(random, dim, 0, 1).data(), query);
        const uint32_t ids[count] = {3, 0, 10, 7, 7, 1, 2, 9, 4, 5, 8};
        const auto run = [&](const RabitqKernels& set, const uint32_t* which) {
          std::vector<float> out(count);
          (bits == 1 ? set.of1 : set.of4)(query, rows.space.row(0), rows.space.stride(), which,
                                          count, out.data());
          return out;
        };
        const auto expected = run(*rabitqKernelsFor(Isa::Scalar), ids);
        for (const Isa isa : isas) {
          const RabitqKernels* set = rabitqKernelsFor(isa);
          if (set == nullptr) continue;
          CHECK(run(*set, ids) == expected);
          const auto scanned = run(*set, nullptr);
          for (uint32_t at = 0; at < count; at++) CHECK(scanned[ids[at]] == expected[at]);
        }
      }
}

SOLO_TEST("RaBitQ: every instruction set gives the same bits for rows of any kind") {
  std::mt19937 random(8);
  for (const uint32_t bits : bitCounts)
    for (const uint32_t dim : dims)
      for (const Metric metric : metrics) {
        std::vector<float> data;
        for (const float size : {0.0f, 1e-41f, 1e-30f, 1.0f, 1e18f, 1e38f}) {
          const auto row = randomFloats(random, dim, 0, size);
          data.insert(data.end(), row.begin(), row.end());
        }
        const auto count = uint32_t(data.size() / dim);
        const Rows rows(metric, bits, dim, data, true);
        for (uint32_t a = 0; a < count; a++) {
          RabitqQuery query;
          rows.space.prepare(&data[size_t(a) * dim], query);
          const auto run = [&](const RabitqKernels& set) {
            std::vector<float> out(count);
            (bits == 1 ? set.of1 : set.of4)(query, rows.space.row(0), rows.space.stride(), nullptr,
                                            count, out.data());
            return out;
          };
          const auto expected = run(*rabitqKernelsFor(Isa::Scalar));
          for (const float distance : expected) CHECK(std::isfinite(distance));
          for (const Isa isa : isas)
            if (const RabitqKernels* set = rabitqKernelsFor(isa)) CHECK(run(*set) == expected);
        }
      }
}

SOLO_TEST("RaBitQ: estimates are unbiased and within their standard error, on any data") {
  std::mt19937 random(5);
  const uint32_t count = test::isSlow() ? 60 : 300;
  for (const uint32_t bits : bitCounts)
    for (const uint32_t dim : {64u, 100u, 384u, 784u})
      for (const Metric metric : {Metric::Dot, Metric::L2}) {
        const auto normal = randomFloats(random, size_t(count) * dim, 0.3f, 1);
        auto sparse = std::vector<float>(size_t(count) * dim, 0);
        for (uint32_t row = 0; row < count; row++)
          for (uint32_t i = 0; i < 5; i++)
            sparse[size_t(row) * dim + random() % dim] = float(random() % 100) / 10;
        for (const auto& data : {normal, sparse}) {
          const auto queries = randomFloats(random, size_t(20) * dim, 0.3f, 1);
          const auto errors = errorsOf(metric, bits, dim, data, queries);
          CHECK(std::fabs(meanOf(errors)) < 0.15);
          CHECK(shareWithin(errors, 1) > 0.55);
          CHECK(shareWithin(errors, 2) > 0.9);
          CHECK(shareWithin(errors, 4) > 0.995);
        }
      }
}

SOLO_TEST("RaBitQ: more bits and more dimensions give smaller errors") {
  std::mt19937 random(6);
  const auto spreadOf = [&](uint32_t bits, uint32_t dim) {
    const auto data = randomFloats(random, size_t(100) * dim, 0, 1 / std::sqrt(float(dim)));
    const Rows rows(Metric::Dot, bits, dim, data, true);
    RabitqQuery query;
    rows.space.prepare(randomFloats(random, dim, 0, 1 / std::sqrt(float(dim))).data(), query);
    double sum = 0;
    for (uint32_t row = 0; row < 100; row++) sum += double(rows.space.errorOf(query, row));
    return sum / 100;
  };
  CHECK(spreadOf(4, 512) < spreadOf(1, 512) / 4);
  CHECK(spreadOf(1, 2048) < spreadOf(1, 128) / 2);
}

SOLO_TEST("RaBitQ: rows at the centre, equal, tiny and huge rows have finite distances") {
  constexpr uint32_t dim = 70;
  const float sizes[] = {0.0f, FLT_MIN / 4, 1e-30f, 1.0f, 1e18f, 1e30f, FLT_MAX};
  for (const uint32_t bits : bitCounts)
    for (const Metric metric : metrics)
      for (const bool isCentred : {false, true}) {
        std::vector<float> data;
        for (const float size : sizes)
          for (uint32_t i = 0; i < dim; i++) data.push_back(i % 3 == 0 ? size : -size / 2);
        const Rows rows(metric, bits, dim, data, isCentred);
        for (size_t at = 0; at < std::size(sizes); at++) {
          RabitqQuery query;
          rows.space.prepare(&data[at * dim], query);
          float distances[std::size(sizes)];
          rows.space.scan(query, 0, std::size(sizes), distances);
          for (const float distance : distances) CHECK(std::isfinite(distance));
        }
      }
}
