#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "distance/prepare.hpp"
#include "harness.hpp"
#include "score_fixture.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kPoints = 6000;
constexpr size_t kKinds = 5;

struct Kind {
  const char* name;
  Examples::Combine combine;
  uint32_t count;
  uint32_t positives;
  std::vector<float> weights;
};

const Kind kTested[kKinds] = {
    {"best score", Examples::Combine::BestScore, 5, 3, {}},
    {"sum of scores", Examples::Combine::SumScores, 5, 3, {}},
    {"discover", Examples::Combine::Discover, 5, 0, {}},
    {"context", Examples::Combine::Context, 4, 0, {}},
    {"feedback", Examples::Combine::Feedback, 5, 0, {1.5f, 0.5f, -0.5f, 0.25f, -0.25f}},
};

SearchRequest asking(const Kind& kind, uint32_t seed) {
  SearchRequest request;
  Examples examples{{kind.combine, kind.count, kind.positives, kind.weights}, {}, {}};
  for (uint32_t at = 0; at < kind.count; at++) {
    const SearchRequest one = testSearch(seed * 100 + at);
    examples.vectors.insert(examples.vectors.end(), one.query.begin(), one.query.end());
  }
  request.examples = examples;
  request.isExact = true;
  return request;
}

double similarity(const float* a, const float* b) {
  double sum = 0;
  for (uint32_t i = 0; i < kTestDim; i++) sum -= double(a[i] - b[i]) * double(a[i] - b[i]);
  return sum;
}

// The expected score of a vector, from the definition.
double scoreOf(const Examples& examples, const float* vector) {
  std::vector<double> to;
  for (uint32_t at = 0; at < examples.count; at++)
    to.push_back(similarity(examples.vectors.data() + size_t(at) * kTestDim, vector));
  return combinedScore(examples, to);
}

// Vectors around some centres, like real data.
std::vector<float> clusteredVectors(uint32_t count, bool isUnit) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<float> data;
  for (uint32_t at = 0; at < count; at++) {
    std::mt19937 centre(random() % 60);
    for (uint32_t i = 0; i < kTestDim; i++) data.push_back(2 * normal(centre) + normal(random));
  }
  CHECK(prepareVectors(data.data(), count, kTestDim, isUnit) < 0);
  return data;
}

struct Columns {
  UpsertColumns columns;
  std::vector<uint32_t> payloadOffsets;
};

Columns columnsOf(const std::vector<float>& data) {
  Columns made;
  const auto count = static_cast<uint32_t>(data.size() / kTestDim);
  made.payloadOffsets.assign(count + 1, 0);
  for (uint32_t at = 0; at < count; at++) made.columns.ids.push_back(PointId::number(at));
  made.columns.seq = 1;
  made.columns.vectors = {{0, data.data(), nullptr, count}};
  made.columns.payloadBytes = "";
  made.columns.payloadOffsets = made.payloadOffsets.data();
  return made;
}

struct Filled {
  ThreadPool pool{2};
  Shard shard{testSpec(), pool};
  TestBatch batch{0, kPoints, 1};

  Filled() {
    CHECK(shard.upsert(batch.columns).isOk());
    CHECK(waitForIndex(shard).isOk());
  }
  SearchResult ask(const SearchRequest& request) {
    SearchResult result;
    CHECK(search(shard.snapshot(), shard.spec().vectors, request, nullptr, result).isOk());
    return result;
  }
};

} // namespace

ANSWERS_TEST("scores of several examples follow their definitions, best first") {
  Filled filled;
  for (const Kind& kind : kTested) {
    for (uint32_t seed = 1; seed <= 5; seed++) {
      const SearchRequest request = asking(kind, seed);
      std::vector<double> scores;
      for (uint32_t at = 0; at < kPoints; at++)
        scores.push_back(scoreOf(*request.examples, filled.batch.a.data() + size_t(at) * kTestDim));
      std::sort(scores.begin(), scores.end(), std::greater<>());
      const SearchResult result = filled.ask(request);
      REQUIRE(result.rows.count == 10);
      for (uint32_t at = 0; at < 10; at++)
        CHECK(std::fabs(result.scores[at] - scores[at]) <
              1e-3 * std::max(1.0, std::fabs(scores[at])));
    }
  }
}

ANSWERS_TEST("a walk by several examples finds nearly what a scan does") {
  Filled filled;
  for (const Kind& kind : kTested) {
    for (const bool ignoresCodes : {false, true}) {
      uint32_t found = 0;
      constexpr uint32_t kQueries = 40;
      for (uint32_t seed = 1; seed <= kQueries; seed++) {
        SearchRequest request = asking(kind, seed);
        const SearchResult exact = filled.ask(request);
        request.isExact = false;
        request.ef = 200;
        request.ignoresCodes = ignoresCodes;
        const SearchResult walked = filled.ask(request);
        CHECK(walked.stats.strategy == "graph");
        CHECK(walked.stats.distances < uint64_t(kPoints) * kind.count);
        // Compared by score, because many points may have the best score.
        for (uint32_t at = 0; at < walked.rows.count; at++)
          found += walked.scores[at] >= exact.scores[9] - 1e-4f ? 1 : 0;
      }
      if (found < kQueries * 9) std::printf("%s: %u of %u\n", kind.name, found, kQueries * 10);
      CHECK_AT_LEAST(found, kQueries * 9);
    }
  }
}

ANSWERS_TEST("searches by several examples keep the requested recall in every plan") {
  ThreadPool pool{2};
  for (const Metric metric : {Metric::Cosine, Metric::Dot, Metric::L2, Metric::L1}) {
    ShardSpec spec;
    spec.vectors = {{"v", kTestDim, metric, 12, 80}};
    spec.segmentBytes = uint64_t(1) << 26;
    Shard shard(spec, pool);
    const auto data = clusteredVectors(kPoints, metric == Metric::Cosine);
    CHECK(shard.upsert(columnsOf(data).columns).isOk());
    CHECK(waitForIndex(shard).isOk());
    std::mt19937 random(3);
    for (const Kind& kind : kTested) {
      uint32_t found = 0;
      double promised = 1;
      constexpr uint32_t kQueries = 30;
      for (uint32_t query = 0; query < kQueries; query++) {
        SearchRequest request;
        Examples examples{{kind.combine, kind.count, kind.positives, kind.weights}, {}, {}};
        for (uint32_t at = 0; at < kind.count; at++) {
          const size_t from = size_t(random() % kPoints) * kTestDim;
          examples.vectors.insert(examples.vectors.end(), data.begin() + ptrdiff_t(from),
                                  data.begin() + ptrdiff_t(from + kTestDim));
        }
        request.examples = examples;
        request.recall = 0.95f;
        request.explains = true;
        SearchResult led;
        REQUIRE(search(shard.snapshot(), spec.vectors, request, nullptr, led).isOk());
        for (const SegmentReport& report : led.segments)
          promised = std::min(promised, report.recall);
        request.isExact = true;
        SearchResult exact;
        REQUIRE(search(shard.snapshot(), spec.vectors, request, nullptr, exact).isOk());
        REQUIRE(led.rows.count == 10);
        for (uint32_t at = 0; at < 10; at++)
          found += led.scores[at] >= exact.scores[9] - 1e-4f * std::fabs(exact.scores[9]) ? 1 : 0;
      }
      CHECK_AT_LEAST(promised, 0.95);
      if (found < kQueries * 9.5) std::printf("metric %d, %s: %u\n", int(metric), kind.name, found);
      CHECK_AT_LEAST(found, kQueries * 9.5);
    }
  }
}

ANSWERS_TEST("many examples lead to a scan if walks for each would compute more") {
  Filled filled;
  const Kind kind{"many", Examples::Combine::BestScore, 200, 100, {}};
  SearchRequest request = asking(kind, 7);
  request.limit = 300;
  const SearchResult exact = filled.ask(request);
  request.isExact = false;
  request.recall = 0.95f;
  const SearchResult result = filled.ask(request);
  REQUIRE(result.rows.count == exact.rows.count);
  // The candidates of the first example come on top of the scan.
  CHECK(result.stats.distances < 2 * exact.stats.distances);
  uint32_t found = 0;
  for (uint32_t at = 0; at < result.rows.count; at++)
    found += result.scores[at] >= exact.scores[exact.rows.count - 1] - 1e-4f ? 1 : 0;
  CHECK_AT_LEAST(found, 285);
}

ANSWERS_TEST("great distances never give a NaN score") {
  Examples examples{{Examples::Combine::SumScores, 2, 1, {}}, {0, 0}, {}};
  const float distances[] = {-3e38f, -3e38f};
  CHECK(std::isfinite(examples.distanceOf(distances, 1)));
  examples.positives = 2;
  CHECK(std::isfinite(examples.distanceOf(distances, 1)));
  examples = {{Examples::Combine::Context, 0, 0, {}}, {}, {}};
  CHECK_EQUAL(examples.distanceOf(nullptr, 0), 0.0f);
}

ANSWERS_TEST("a combination requires the right numbers of vectors and weights") {
  const auto isWellFormed = [](Examples::Combine combine, uint32_t count, uint32_t positives,
                               size_t weights) {
    return Combination{combine, count, positives, std::vector<float>(weights)}.isWellFormed();
  };
  CHECK(!isWellFormed(Examples::Combine::BestScore, 0, 0, 0));
  CHECK(!isWellFormed(Examples::Combine::SumScores, 2, 3, 0));
  CHECK(!isWellFormed(Examples::Combine::Discover, 2, 0, 0));
  CHECK(!isWellFormed(Examples::Combine::Context, 3, 0, 0));
  CHECK(!isWellFormed(Examples::Combine::Feedback, 3, 0, 2));
  CHECK(isWellFormed(Examples::Combine::Feedback, 3, 0, 3));
}
