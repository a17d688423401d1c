// Rows of floats that are split into leading halves and what these lack, and what distances by the
// former say of exact ones.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "distance/leading_reach.hpp"
#include "distance/prepare.hpp"
#include "test/distance_fixture.hpp"
#include "test/harness.hpp"

using namespace vicinal;
using vicinal::test::tolerance;

namespace {

constexpr Metric metrics[] = {Metric::Cosine, Metric::Dot, Metric::L2, Metric::L1};
constexpr Metric boundedMetrics[] = {Metric::Cosine, Metric::L2};

template <typename Body> void forEachSet(Body body) {
  for (const Isa isa : {Isa::Scalar, Isa::Neon, Isa::Avx2, Isa::Avx512})
    if (const Kernels* set = kernelsFor(isa)) body(*set);
}

// Split, as rows of a segment are.
std::vector<float> splitRows(const std::vector<float>& floats, size_t dim) {
  std::vector<float> rows(floats.size());
  narrow(floats.data(), Datatype::SplitFloat32, floats.size() / dim, dim, rows.data());
  return rows;
}

// The nearest float of eight binary digits, by the library's rounding of doubles' quotients.
float roundedToLeading(float value) {
  int exponent = 0;
  const float fraction = std::frexp(value, &exponent);
  return std::ldexp(std::round(fraction * 256), exponent - 8);
}

std::vector<float> someFloats(std::mt19937& random, size_t count, int exponents) {
  std::normal_distribution<float> normal;
  std::vector<float> floats(count);
  for (float& value : floats)
    value = std::ldexp(normal(random),
                       exponents == 0 ? 0 : int(random() % (2 * exponents)) - exponents);
  return floats;
}

} // namespace

SOLO_TEST("what was split is the same float again, to the bit, whichever it is") {
  std::vector<float> floats = {
      0.0f, -0.0f, FLT_MAX,     -FLT_MAX,           FLT_MIN,      -FLT_MIN, FLT_TRUE_MIN,
      1.0f, -1.0f, 1 + 0x1p-8f, 1 + 0x1.fffffep-8f, 0x1.fffffep0f};
  std::mt19937 random(1);
  while (floats.size() < 32 * 2000) {
    const uint32_t bits = uint32_t(random());
    const float value = std::bit_cast<float>(bits);
    if (std::isfinite(value)) floats.push_back(value);
  }
  for (const size_t dim : {size_t(32), size_t(64), size_t(320), floats.size()}) {
    const auto rows = splitRows(floats, dim);
    std::vector<float> seen(floats.size());
    widen(rows.data(), Datatype::SplitFloat32, floats.size() / dim, dim, seen.data());
    CHECK(std::memcmp(seen.data(), floats.data(), floats.size() * sizeof(float)) == 0);
    forEachSet([&](const Kernels& set) {
      for (size_t at = 0; at < floats.size(); at += dim) set.split.widen(&rows[at], dim, &seen[at]);
      CHECK(std::memcmp(seen.data(), floats.data(), floats.size() * sizeof(float)) == 0);
    });
  }
  // From and to the other types too.
  std::vector<float> integers(64 * 3);
  for (float& value : integers) value = float(random() % 256);
  std::vector<uint8_t> bytes(integers.size());
  std::vector<float> split(integers.size());
  narrow(integers.data(), Datatype::Uint8, 3, 64, bytes.data());
  convert(bytes.data(), Datatype::Uint8, split.data(), Datatype::SplitFloat32, 3, 64);
  CHECK(split == splitRows(integers, 64));
  std::vector<uint8_t> back(bytes.size());
  convert(split.data(), Datatype::SplitFloat32, back.data(), Datatype::Uint8, 3, 64);
  CHECK(back == bytes);
}

SOLO_TEST(
    "distances to split rows have the bits of those to the same floats, and by leading halves "
    "those of the floats rounded to them") {
  std::mt19937 random(2);
  constexpr size_t count = 23;
  for (size_t dim = 32; dim <= 4096; dim += dim < 320 ? 32 : test::isSlow() ? 1088 : 224)
    for (const int exponents : {0, 8, 80}) {
      const auto floats = someFloats(random, count * dim, exponents);
      const auto queries = someFloats(random, 3 * dim, exponents);
      // At an odd place, since rows need no alignment.
      std::vector<float> placed(floats.size() + 1);
      float* const rows =
          reinterpret_cast<float*>(reinterpret_cast<char*>(placed.data()) + dim % 4);
      std::memcpy(rows, splitRows(floats, dim).data(), floats.size() * sizeof(float));
      std::vector<float> rounded(floats.size());
      std::transform(floats.begin(), floats.end(), rounded.begin(), roundedToLeading);
      std::vector<uint32_t> ids;
      for (size_t i = 0; i < count; i++) ids.push_back(uint32_t(random() % count));
      forEachSet([&](const Kernels& set) {
        for (size_t m = 0; m < std::size(metrics); m++) {
          CHECK_EQUAL(set.split.distance[m](queries.data(), rows, dim),
                      set.floats.distance[m](queries.data(), floats.data(), dim));
          for (const uint32_t* which : {static_cast<uint32_t*>(nullptr), ids.data()})
            for (const size_t some : {size_t(1), size_t(4), count}) {
              const auto many = [&](DistanceManyFn fn, const void* of) {
                std::vector<float> out(some + 1, 42);
                fn(queries.data(), of, which, some, dim, out.data());
                return out;
              };
              const DistanceManyFn ofFloats = set.floats.distanceMany[m];
              CHECK(many(set.split.distanceMany[m], rows) == many(ofFloats, floats.data()));
              CHECK(many(set.leading[m], rows) == many(ofFloats, rounded.data()));
            }
          std::vector<float> least(3, FLT_MAX);
          std::vector<float> expected(3, FLT_MAX);
          set.split.least[m](queries.data(), 3, rows, count, dim, least.data());
          set.floats.least[m](queries.data(), 3, floats.data(), count, dim, expected.data());
          CHECK(least == expected);
        }
      });
    }
}

SOLO_TEST("kernels of split rows read nothing behind a row's end") {
  // ASan sees a read behind the allocation, whose size is exactly the row's.
  for (size_t dim = 32; dim <= 160; dim += 32) {
    const std::vector<float> query(dim, 1);
    const auto row = splitRows(std::vector<float>(dim, 3), dim);
    const uint32_t first = 0;
    forEachSet([&](const Kernels& set) {
      float distance = 0;
      CHECK_EQUAL(set.split.distance[size_t(Metric::Dot)](query.data(), row.data(), dim),
                  -3.0f * float(dim));
      set.leading[size_t(Metric::Dot)](query.data(), row.data(), &first, 1, dim, &distance);
      CHECK_EQUAL(distance, -3.0f * float(dim));
    });
  }
}

namespace {

// Rows and a query for which leading halves say as little as they can, or which are odd.
// `MostBeside`: of rows that are about as long as the query, and much nearer to it than long.
enum class Loss { Random, Most, MostBeside, Huge, Tiny, Far };

struct Case {
  Case(Metric metric, Loss loss, size_t dim, unsigned seed)
      : metric(metric), loss(loss), dim(dim), random(seed) {
    query.resize(dim);
    floats.resize(kRows * dim);
    for (float& value : query) value = number();
    for (size_t row = 0; row < kRows; row++)
      for (size_t i = 0; i < dim; i++) floats[row * dim + i] = component(row, i);
    if (metric != Metric::Cosine) return;
    (void)prepareVectors(query.data(), 1, dim, true);
    // What is lost most of one length is lost least of another, but for a power of two: dimensions
    // are powers of four, and the last few components zero, so this one makes it nearly one.
    if (loss != Loss::Most && loss != Loss::MostBeside)
      (void)prepareVectors(floats.data(), kRows, dim, true);
    else
      for (float& value : floats) value /= std::sqrt(float(dim));
  }

  static constexpr size_t kRows = 60;
  Metric metric;
  Loss loss;
  size_t dim;
  std::vector<float> query;
  std::vector<float> floats;

private:
  static constexpr float kMiddle = 1 + 0x1p-8f;

  float number() {
    const float value = normal(random);
    switch (loss) {
    case Loss::Huge: return value * 1e18f;
    case Loss::Tiny: return value * 1e-30f;
    case Loss::Most: return std::copysign(metric == Metric::L2 ? 0.001f : 1.0f, value);
    case Loss::MostBeside: return std::copysign(kMiddle + 0.01f, value);
    default: return value;
    }
  }
  float component(size_t row, size_t i) {
    // Near the query, where distances differ little.
    if (loss == Loss::Far) return 100 + number();
    if (loss != Loss::Most && loss != Loss::MostBeside) return query[i] + 0.1f * number();
    // Just below and just above the middle between two halves, along the query or against it. The
    // odd rows seem longer by twice what may be lost, and are shorter, by one component.
    const bool isBeside = metric == Metric::L2 && loss == Loss::MostBeside;
    if (!isBeside && i >= dim - dim / 64) return 0;
    float size = std::nextafter(kMiddle, row % 2 == 0 ? 0.0f : 2.0f);
    if (i == 0 && row % 2 == 1) size -= 0x1p-8f;
    return std::copysign(size, metric == Metric::L2 && !isBeside ? -query[i] : query[i]);
  }

  std::mt19937 random;
  std::normal_distribution<float> normal;
};

} // namespace

SOLO_TEST(
    "split rows: none of the nearest is beyond the reach of those that seem so by leading halves") {
  size_t beyond = 0;
  size_t wrongIfNearer[4][6] = {};
  for (unsigned seed = 1; seed <= (test::isSlow() ? 2 : 10); seed++)
    for (const Metric metric : boundedMetrics)
      for (const Loss loss :
           {Loss::Random, Loss::Most, Loss::MostBeside, Loss::Huge, Loss::Tiny, Loss::Far})
        for (const size_t dim : {256u, 1024u, 4096u}) {
          const Case rows(metric, loss, dim, seed);
          const auto kept = splitRows(rows.floats, dim);
          const Space space(metric, uint32_t(dim), kept.data(), Datatype::SplitFloat32);
          std::vector<float> nearly(Case::kRows);
          std::vector<float> exact(Case::kRows);
          space.leadingScan(rows.query.data(), 0, Case::kRows, nearly.data());
          space.scan(rows.query.data(), 0, Case::kRows, exact.data());
          const LeadingReach reach(space, rows.query.data());
          for (size_t row = 0; row < Case::kRows; row++) {
            const float farthest = reach.of(nearly[row]);
            CHECK(farthest >= nearly[row]);
            for (size_t other = 0; other < Case::kRows; other++) {
              const bool isBeyond = nearly[other] > farthest;
              beyond += isBeyond ? 1 : 0;
              if (isBeyond) CHECK(exact[other] > exact[row]);
              const float nearer = nearly[row] + (farthest - nearly[row]) * 0.9f;
              wrongIfNearer[size_t(metric)][size_t(loss)] +=
                  nearly[other] > nearer && exact[other] <= exact[row] ? 1 : 0;
            }
          }
        }
  // It tells rows apart, and a tenth less of it would tell wrong ones.
  CHECK(beyond > 100);
  for (const Metric metric : boundedMetrics)
    for (const Loss loss : {Loss::Most, Loss::MostBeside})
      CHECK(wrongIfNearer[size_t(metric)][size_t(loss)] > 0);
}

SOLO_TEST("split rows: a reach never decreases, and of what is not known is without end") {
  std::mt19937 random(3);
  const auto query = someFloats(random, 256, 0);
  std::vector<float> huge(256, 1e30f);
  std::vector<float> row(256);
  for (const Metric metric : boundedMetrics) {
    const Space space(metric, 256, row.data(), Datatype::SplitFloat32);
    const LeadingReach reach(space, query.data());
    float before = reach.of(-FLT_MAX);
    for (float distance = -4; distance < 1e6f; distance += 0.1f + std::fabs(distance) * 0.01f) {
      CHECK(reach.of(distance) >= before);
      before = reach.of(distance);
    }
    CHECK_EQUAL(reach.of(FLT_MAX), FLT_MAX);
  }
  // The square of its length is beyond floats.
  const Space space(Metric::L2, 256, row.data(), Datatype::SplitFloat32);
  CHECK_EQUAL(LeadingReach(space, huge.data()).of(1), FLT_MAX);
}
