// The stop rule of rescoring.
#include <random>

#include "harness.hpp"
#include "segment/rescoring.hpp"

using namespace vicinal;

namespace {

// Neighbours in the order of their codes. Codes have an error of `noise` (a standard deviation) and
// a common error of `bias`.
struct Found {
  Found(unsigned seed, size_t count, float noise, float bias) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<std::pair<float, float>> both;
    for (size_t at = 0; at < count; at++) {
      const float distance = std::sqrt(float(at + 1)) + normal(random) * 0.01f;
      both.push_back({distance + noise * normal(random) + bias, distance});
    }
    std::sort(both.begin(), both.end());
    for (const auto& [code, distance] : both) {
      byCode.push_back({code, uint32_t(byCode.size())});
      exact.push_back(distance);
    }
  }

  size_t scored(const Rescoring& rescoring) const {
    RescoringProgress progress;
    progress.start(rescoring);
    while (const size_t count = progress.next(byCode.data(), byCode.size()))
      progress.add(byCode.data() + progress.scored(), exact.data() + progress.scored(), count);
    return progress.scored();
  }

  // The share of the nearest `wanted` among the first `scored`.
  double recall(size_t scored, size_t wanted) const {
    std::vector<float> sorted = exact;
    std::sort(sorted.begin(), sorted.end());
    const float last = sorted[wanted - 1];
    const auto end = exact.begin() + ptrdiff_t(scored);
    return double(std::count_if(exact.begin(), end, [&](float each) { return each <= last; })) /
           double(wanted);
  }

  std::vector<Neighbor> byCode;
  std::vector<float> exact;
};

} // namespace

SOLO_TEST("rescoring with infinite epsilon scores all candidates") {
  const Found found(1, 100, 0.3f, 0);
  CHECK_EQUAL(found.scored({40}), 40u);
  CHECK_EQUAL(found.scored({400}), 100u);
  CHECK_EQUAL(found.scored({0}), 0u);
  CHECK_EQUAL(Found(1, 5, 0.3f, 0).scored({40, 10, 2}), 5u);
}

SOLO_TEST(
    "rescoring ends with the first batch for exact codes, and goes on longer for less exact ones") {
  for (const size_t wanted : {1u, 10u, 100u}) {
    const Found exact(2, 400, 0, 0);
    CHECK_EQUAL(exact.scored({400, wanted, 3}), std::max<size_t>(12, wanted + wanted / 5));
    size_t before = 0;
    for (const float noise : {0.05f, 0.2f, 0.8f}) {
      size_t scored = 0;
      for (unsigned seed = 0; seed < 50; seed++)
        scored += Found(seed, 400, noise, 0).scored({400, wanted, 3});
      CHECK(scored >= before);
      before = scored;
    }
    CHECK(before > 50 * (wanted + wanted / 5));
  }
}

SOLO_TEST("an epsilon of three deviations keeps nearly all neighbours at a fraction of the cost") {
  double recall = 0;
  size_t scored = 0;
  constexpr unsigned kQueries = 300;
  for (unsigned seed = 0; seed < kQueries; seed++) {
    const Found found(seed, 256, 0.4f, 0);
    const size_t most = found.scored({256, 10, 3});
    recall += found.recall(most, 10);
    scored += most;
  }
  CHECK_AT_LEAST(recall / kQueries, 0.99);
  CHECK(scored < 90 * kQueries);
}

SOLO_TEST("a constant error of codes does not widen the margin") {
  for (unsigned seed = 0; seed < 50; seed++) {
    const size_t without = Found(seed, 256, 0.3f, 0).scored({256, 10, 2});
    for (const float bias : {-4.0f, 0.5f, 16.0f})
      CHECK_EQUAL(Found(seed, 256, 0.3f, bias).scored({256, 10, 2}), without);
  }
}

SOLO_TEST("candidates as far as the last wanted one are not scored") {
  Found same(4, 400, 0, 0);
  for (size_t at = 0; at < 400; at++) same.byCode[at].distance = same.exact[at] = 1;
  CHECK_EQUAL(same.scored({400, 10, 3}), 12u);
  for (size_t at = 0; at < 400; at++) same.byCode[at].distance = 0.75f;
  CHECK_EQUAL(same.scored({400, 10, 3}), 12u);
}

SOLO_TEST("overflowed distances do not end the rescoring") {
  Found found(3, 30, 0.1f, 0);
  for (size_t at = 20; at < 30; at++) found.exact[at] = found.byCode[at].distance = FLT_MAX;
  CHECK(found.scored({30, 25, 1}) == 30);
  const size_t before = Found(3, 30, 0.1f, 0).scored({20, 10, 0.25f});
  found.exact[3] = FLT_MAX;
  CHECK(found.scored({20, 10, 0.25f}) >= before);
}
