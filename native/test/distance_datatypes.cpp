// Compares rows of halves and bytes with rows of the same numbers as floats.
#include <cfloat>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "distance/kernels.hpp"
#include "test/distance_fixture.hpp"
#include "test/harness.hpp"

using namespace vicinal;
using vicinal::test::tolerance;

namespace {

constexpr Metric metrics[] = {Metric::Cosine, Metric::Dot, Metric::L2, Metric::L1};
constexpr Datatype narrowTypes[] = {Datatype::Float16, Datatype::Uint8};
constexpr uint32_t kPatterns = 1 << 16;
constexpr uint32_t kFirstInfinite = 0x7c00;

bool isFinite(uint32_t pattern) { return (pattern & 0x7fff) < kFirstInfinite; }

// The value of the bits, in double precision.
double valueOf(uint32_t pattern) {
  const int exponent = int(pattern >> 10 & 31);
  const double fraction = pattern & 1023;
  const double size =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (pattern & 0x8000) != 0 ? -size : size;
}

template <typename Body> void forEachSet(Body body) {
  for (const Isa isa : {Isa::Scalar, Isa::Neon, Isa::Avx2, Isa::Avx512})
    if (const Kernels* set = kernelsFor(isa)) body(*set);
}

enum class Kind { Ordinary, Denormal, Huge };
constexpr Kind kinds[] = {Kind::Ordinary, Kind::Denormal, Kind::Huge};

// Numbers in their datatype, and the same numbers as floats.
struct Rows {
  Rows(Datatype datatype, Kind kind, size_t count, std::mt19937& random)
      : datatype(datatype), floats(count), kept(count * bytesOf(datatype)) {
    std::normal_distribution<float> normal;
    for (float& value : floats) {
      if (datatype == Datatype::Uint8)
        value = kind == Kind::Huge ? 255.0f : float(random() % 256);
      else if (kind == Kind::Denormal)
        value = std::ldexp(float(random() % 1024), -24) * (random() % 2 == 0 ? 1.0f : -1.0f);
      else
        value = kind == Kind::Huge ? (random() % 2 == 0 ? 65504.0f : -65504.0f)
                                   : roundedToHalf(normal(random));
    }
    narrow(floats.data(), datatype, count, kept.data());
  }
  const void* row(size_t component) const { return &kept[component * bytesOf(datatype)]; }

  Datatype datatype;
  std::vector<float> floats;
  std::vector<uint8_t> kept;
};

std::vector<float> someQuery(std::mt19937& random, Datatype datatype, size_t dim) {
  std::normal_distribution<float> normal(0, datatype == Datatype::Uint8 ? 100.0f : 1.0f);
  std::vector<float> query(dim);
  for (float& value : query) value = normal(random);
  return query;
}

const Kernels& scalar() { return *kernelsFor(Isa::Scalar); }

bool areSameBits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

} // namespace

SOLO_TEST("each half converts to the float that its bits denote, and back") {
  for (uint32_t pattern = 0; pattern < kPatterns; pattern++) {
    const Half half{static_cast<uint16_t>(pattern)};
    const float value = fromHalf(half);
    if (isFinite(pattern)) {
      CHECK_EQUAL(double(value), valueOf(pattern));
      CHECK_EQUAL(uint32_t(toHalf(value).bits), pattern);
    } else if ((pattern & 1023) == 0) {
      CHECK(std::isinf(value) && std::signbit(value) == (pattern >= 0x8000));
      CHECK_EQUAL(uint32_t(toHalf(value).bits), pattern);
    } else {
      CHECK(std::isnan(value));
      CHECK(std::isnan(fromHalf(toHalf(value))));
    }
  }
  std::mt19937 random(1);
  for (int at = 0; at < 100'000; at++) {
    const float value = std::ldexp(float(int32_t(random())), int(random() % 60) - 60);
    CHECK(areSameBits(fromHalf(toHalf(value)), roundedToHalf(value)));
  }
}

SOLO_TEST("every instruction set widens halves and bytes of any count and alignment") {
  std::vector<Half> halves;
  std::vector<float> expected;
  for (uint32_t pattern = 0; pattern < kPatterns; pattern++) {
    if (!isFinite(pattern)) continue;
    halves.push_back({static_cast<uint16_t>(pattern)});
    expected.push_back(fromHalf(halves.back()));
  }
  std::vector<uint8_t> bytes(256);
  for (size_t at = 0; at < bytes.size(); at++) bytes[at] = uint8_t(at);
  forEachSet([&](const Kernels& set) {
    std::vector<float> seen(halves.size());
    set.halves.widen(halves.data(), halves.size(), seen.data());
    CHECK(std::memcmp(seen.data(), expected.data(), seen.size() * sizeof(float)) == 0);
    for (size_t from = 0; from < 40; from++)
      for (size_t count = 0; count <= 40; count++) {
        seen.assign(count + 1, 42);
        set.halves.widen(&halves[from], count, seen.data());
        CHECK(std::memcmp(seen.data(), &expected[from], count * sizeof(float)) == 0);
        CHECK_EQUAL(seen[count], 42.0f);
        seen.assign(count + 1, 42);
        set.bytes.widen(&bytes[216 - from], count, seen.data());
        for (size_t at = 0; at < count; at++) CHECK_EQUAL(seen[at], float(216 - from + at));
        CHECK_EQUAL(seen[count], 42.0f);
      }
  });
}

SOLO_TEST("distances to halves and bytes have the bits of the same floats, and the scalar values "
          "within rounding, at 1 to 4,100 dimensions") {
  std::mt19937 random(2);
  const size_t step = test::isSlow() ? 41 : 1;
  for (const Datatype datatype : narrowTypes)
    for (size_t dim = 1; dim <= 4100; dim += dim < 140 ? 1 : step) {
      // Every alignment and kind of number occurs at some nearby dimension.
      const size_t shift = dim % 5;
      const Rows rows(datatype, kinds[dim % 3], dim + shift, random);
      const auto query = someQuery(random, datatype, dim);
      for (const Metric metric : metrics) {
        const float* const floats = &rows.floats[shift];
        const float twin =
            scalar().of(datatype).distance[size_t(metric)](query.data(), rows.row(shift), dim);
        forEachSet([&](const Kernels& set) {
          const float seen =
              set.of(datatype).distance[size_t(metric)](query.data(), rows.row(shift), dim);
          CHECK(areSameBits(seen, set.floats.distance[size_t(metric)](query.data(), floats, dim)));
          CHECK(std::fabs(double(seen) - twin) <= tolerance(metric, query.data(), floats, dim));
        });
      }
    }
}

SOLO_TEST(
    "many distances to halves or bytes, and the least of them, have the bits of the floats'") {
  std::mt19937 random(3);
  constexpr size_t count = 23;
  for (const Datatype datatype : narrowTypes)
    for (const Kind kind : kinds)
      for (const size_t dim : {1u, 3u, 8u, 15u, 16u, 31u, 33u, 64u, 100u, 129u, 784u}) {
        const Rows rows(datatype, kind, count * dim, random);
        const auto queries = someQuery(random, datatype, 3 * dim);
        std::vector<uint32_t> ids;
        for (size_t i = 0; i < count; i++) ids.push_back(uint32_t(random() % count));
        forEachSet([&](const Kernels& set) {
          const RowKernels& narrow = set.of(datatype);
          for (size_t m = 0; m < std::size(metrics); m++)
            for (const uint32_t* which : {static_cast<uint32_t*>(nullptr), ids.data()})
              for (const size_t some : {size_t(1), size_t(4), count}) {
                std::vector<float> seen(some + 1, 42);
                std::vector<float> expected(some + 1, 42);
                narrow.distanceMany[m](queries.data(), rows.row(0), which, some, dim, seen.data());
                set.floats.distanceMany[m](queries.data(), rows.floats.data(), which, some, dim,
                                           expected.data());
                CHECK(seen == expected);
                std::vector<float> least(3, FLT_MAX);
                std::vector<float> leastExpected(3, FLT_MAX);
                narrow.least[m](queries.data(), 3, rows.row(0), some, dim, least.data());
                set.floats.least[m](queries.data(), 3, rows.floats.data(), some, dim,
                                    leastExpected.data());
                CHECK(least == leastExpected);
              }
        });
      }
}

SOLO_TEST("kernels of halves and bytes read nothing past a row's end, and NaN halves give bounded "
          "distances") {
  for (size_t dim = 1; dim <= 66; dim++) {
    // The allocation has exactly the row's size, so that ASan detects a read past its end.
    const std::vector<float> query(dim, 1);
    const std::vector<Half> halves(dim, toHalf(2));
    const std::vector<uint8_t> bytes(dim, 2);
    const std::vector<Half> infinite(dim, Half{kFirstInfinite});
    const std::vector<Half> odd(dim, Half{0x7e01});
    forEachSet([&](const Kernels& set) {
      const size_t l1 = size_t(Metric::L1);
      CHECK_EQUAL(set.halves.distance[l1](query.data(), halves.data(), dim), float(dim));
      CHECK_EQUAL(set.bytes.distance[l1](query.data(), bytes.data(), dim), float(dim));
      for (size_t m = 0; m < std::size(metrics); m++) {
        CHECK(std::fabs(set.halves.distance[m](query.data(), infinite.data(), dim)) <= FLT_MAX);
        CHECK(std::fabs(set.halves.distance[m](query.data(), odd.data(), dim)) <= FLT_MAX);
      }
    });
  }
}

SOLO_TEST("conversions between any two types round to the nearest value") {
  const std::vector<float> values = {-3,
                                     0,
                                     7,
                                     254.6f,
                                     300,
                                     std::numeric_limits<float>::quiet_NaN(),
                                     std::numeric_limits<float>::infinity()};
  std::vector<uint8_t> bytes(values.size());
  narrow(values.data(), Datatype::Uint8, values.size(), bytes.data());
  CHECK(bytes == std::vector<uint8_t>({0, 0, 7, 255, 255, 0, 255}));
  std::mt19937 random(4);
  for (const Datatype from : {Datatype::Float32, Datatype::Float16, Datatype::Uint8})
    for (const Datatype to : {Datatype::Float32, Datatype::Float16, Datatype::Uint8}) {
      // Integers that all three types can hold; more than are converted at once.
      constexpr size_t count = 1000;
      std::vector<float> integers(count);
      for (float& value : integers) value = float(random() % 256);
      std::vector<uint8_t> source(count * bytesOf(from));
      std::vector<uint8_t> target(count * bytesOf(to));
      narrow(integers.data(), from, count, source.data());
      convert(source.data(), from, target.data(), to, count);
      std::vector<float> back(count);
      widen(target.data(), to, count, back.data());
      CHECK(back == integers);
    }
}

SOLO_TEST("scaled integers are stored as floats, and only datatype names are accepted") {
  CHECK(storedAs(Datatype::Uint8, Metric::Cosine) == Datatype::Float32);
  CHECK(storedAs(Datatype::Uint8, Metric::L2) == Datatype::Uint8);
  CHECK(storedAs(Datatype::Float16, Metric::Cosine) == Datatype::Float16);
  for (const Datatype each : {Datatype::Float32, Datatype::Float16, Datatype::Uint8}) {
    Datatype named = Datatype::Float32;
    CHECK(isDatatype(nameOf(each), named) && named == each);
  }
  Datatype none = Datatype::Float32;
  CHECK(!isDatatype("int8", none));
}
