// Searches with codes of every kind: the recall they keep, files, and the automatic choice.
#include "graph_fixture.hpp"
#include "harness.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kDim = 96;
constexpr CodeKind kKinds[] = {CodeKind::None, CodeKind::Sq8, CodeKind::Rabitq4, CodeKind::Rabitq1};

struct CodedShard {
  CodedShard(CodeKind code, Metric metric, uint32_t rows) : pool(2), count(rows), metric(metric) {
    spec.vectors = {{"v", kDim, metric, 12, 80}};
    spec.vectors[0].code = code;
    spec.segmentBytes = uint64_t(1) << 28;
    shard = std::make_unique<Shard>(spec, pool);
    const auto data = clusteredRows(rows, kDim, 7, metric == Metric::Cosine);
    std::vector<uint32_t> offsets(rows + 1, 0);
    UpsertColumns columns;
    columns.ids = testIds(0, rows);
    columns.seq = 1;
    columns.vectors = {{0, data.data(), nullptr, rows}};
    columns.payloadBytes = "";
    columns.payloadOffsets = offsets.data();
    CHECK(shard->upsert(columns).isOk());
    CHECK(waitForIndex(*shard).isOk());
  }

  CodeKind kind() const {
    const auto codes = shard->snapshot().segment(0).space(0).codes();
    return codes ? codes->space().kind() : CodeKind::None;
  }

  SearchResult find(const float* query, const SearchRequest& asked) const {
    SearchRequest request = asked;
    request.query.assign(query, query + kDim);
    SearchResult result;
    CHECK(search(shard->snapshot(), spec.vectors, request, nullptr, result).isOk());
    return result;
  }

  // Mean recall@10 of held-out queries.
  double recallOf(const SearchRequest& request, uint32_t queries = 300) const {
    const auto asked = clusteredRows(queries, kDim, 4242, metric == Metric::Cosine);
    SearchRequest exact;
    exact.isExact = true;
    double hits = 0;
    for (uint32_t at = 0; at < queries; at++) {
      const SearchResult truth = find(&asked[size_t(at) * kDim], exact);
      const SearchResult found = find(&asked[size_t(at) * kDim], request);
      for (uint32_t i = 0; i < found.rows.count; i++)
        for (uint32_t j = 0; j < truth.rows.count; j++)
          hits += found.rows.ids[i * kIdWords + 1] == truth.rows.ids[j * kIdWords + 1] ? 1 : 0;
    }
    return hits / (double(queries) * 10);
  }

  ShardSpec spec;
  ThreadPool pool;
  std::unique_ptr<Shard> shard;
  uint32_t count;
  Metric metric;
};

SearchRequest asking(float recall) {
  SearchRequest request;
  request.recall = recall;
  return request;
}

} // namespace

ANSWERS_TEST("every kind of codes keeps the requested recall with every metric that supports it") {
  for (const CodeKind kind : kKinds)
    for (const Metric metric : {Metric::Cosine, Metric::Dot, Metric::L2}) {
      const CodedShard coded(kind, metric, isSlow() ? 2000 : 10'000);
      CHECK(coded.kind() == kind);
      for (const float recall : {0.9f, 0.99f})
        // These queries are about other clusters than the rows, unknown to the calibration.
        CHECK_AT_LEAST(coded.recallOf(asking(recall)), recall - 0.02);
    }
}

TEST("a graph built on 4-bit codes is valid and as good as one built on vectors") {
  const CodedShard coded(CodeKind::Rabitq4, Metric::L2, isSlow() ? 1500 : 6000);
  CHECK(coded.shard->validate().empty());
  SearchRequest wide;
  wide.ef = 100;
  const CodedShard plain(CodeKind::None, Metric::L2, isSlow() ? 1500 : 6000);
  CHECK_AT_LEAST(coded.recallOf(wide), plain.recallOf(wide) - 0.02);
}

ANSWERS_TEST("requests can ignore codes, or take scores by code without rescoring") {
  const CodedShard coded(CodeKind::Rabitq1, Metric::Cosine, isSlow() ? 2000 : 6000);
  const auto query = clusteredRows(1, kDim, 99, true);
  SearchRequest request = asking(0.95f);
  request.ef = 64;
  SearchRequest ignoring = request;
  ignoring.ignoresCodes = true;
  SearchRequest raw = request;
  raw.rescores = false;
  const SearchResult exact = coded.find(query.data(), [] {
    SearchRequest all;
    all.isExact = true;
    return all;
  }());
  CHECK(coded.find(query.data(), request).scores[0] == exact.scores[0]);
  CHECK(coded.find(query.data(), ignoring).scores[0] == exact.scores[0]);
  CHECK(coded.find(query.data(), ignoring).stats.rescored == 0);
  const SearchResult unscored = coded.find(query.data(), raw);
  CHECK(unscored.stats.rescored == 0);
  CHECK(unscored.scores[0] != exact.scores[0]);
  CHECK_AT_LEAST(coded.recallOf(request, 100), coded.recallOf(raw, 100));
}

ANSWERS_TEST("oversampling rescores exactly the requested number") {
  const CodedShard coded(CodeKind::Rabitq1, Metric::L2, isSlow() ? 2000 : 6000);
  const auto query = clusteredRows(1, kDim, 98, false);
  SearchRequest request = asking(0.9f);
  request.oversampling = 7.5f;
  CHECK_EQUAL(coded.find(query.data(), request).stats.rescored, 75u);
}

ANSWERS_TEST("with little or no rescoring, the promised recall matches what codes find") {
  const CodedShard coded(CodeKind::Rabitq1, Metric::L2, isSlow() ? 2000 : 6000);
  waitForCalibration(*coded.shard);
  const auto query = clusteredRows(1, kDim, 98, false);
  const auto promised = [&](const SearchRequest& request) {
    return coded.find(query.data(), request).stats.recall;
  };
  SearchRequest plain = asking(0.95f);
  CHECK_AT_LEAST(promised(plain), 0.949);
  for (const bool scans : {false, true}) {
    SearchRequest few = plain;
    if (scans) few.recall = 1;
    SearchRequest raw = few;
    few.oversampling = 1.5f;
    raw.rescores = false;
    for (const SearchRequest& request : {few, raw}) {
      const double found = coded.recallOf(request);
      CHECK_AT_LEAST(0.93, found);
      CHECK_AT_LEAST(0.93, promised(request));
      CHECK_AT_LEAST(promised(request), found - 0.25);
      CHECK_AT_LEAST(found + 0.05, promised(request));
    }
  }
  // With enough rescoring, codes hide nothing.
  SearchRequest many = plain;
  many.oversampling = 30;
  CHECK_AT_LEAST(promised(many), 0.949);
}

ANSWERS_TEST("a beam that oversampling makes costlier than a scan becomes a scan") {
  const CodedShard coded(CodeKind::Sq8, Metric::L2, isSlow() ? 2000 : 6000);
  const auto query = clusteredRows(1, kDim, 98, false);
  SearchRequest request;
  request.limit = 100;
  request.explains = true;
  request.ef = 128;
  CHECK_EQUAL(coded.find(query.data(), request).segments[0].strategy, std::string("graph"));
  request.oversampling = 1024;
  const SearchResult found = coded.find(query.data(), request);
  CHECK_EQUAL(found.segments[0].strategy, std::string("scan"));
  CHECK_EQUAL(found.segments[0].whyNoWalk, std::string("costs less"));
  CHECK_EQUAL(found.rows.count, 100u);
}

ANSWERS_TEST(
    "a file records its kind of codes, and other configured codes are made after opening it") {
  for (const CodeKind kind : kKinds) {
    const CodedShard coded(kind, Metric::Cosine, isSlow() ? 1500 : 5000);
    auto written = coded.shard->checkpoint(scratchFolder());
    REQUIRE(written.isOk());
    for (const CodeKind asked : {kind, CodeKind::Auto, CodeKind::Rabitq4, CodeKind::None}) {
      ShardSpec spec = coded.spec;
      spec.vectors[0].code = asked;
      ThreadPool pool(2);
      Shard reopened(spec, pool);
      REQUIRE(reopened.openSegment({written->segments[0].base.path, {}, {}, {}}, true).isOk());
      CHECK(waitForIndex(reopened).isOk());
      const auto codes = reopened.snapshot().segment(0).space(0).codes();
      const CodeKind held = codes ? codes->space().kind() : CodeKind::None;
      const CodeKind expected = asked != CodeKind::Auto  ? asked
                                : kind == CodeKind::None ? CodeKind::Sq8
                                                         : kind;
      CHECK_EQUAL(int(held), int(expected));
    }
  }
}

ANSWERS_TEST("projected 4-bit codes give the same answers from a file and go on growing") {
  constexpr uint32_t kWide = 320;
  constexpr uint32_t kRank = 40;
  constexpr uint32_t kRows = 5000;
  // Clusters of few dimensions, each copied to the other dimensions with a sign of its own.
  const auto narrow = clusteredRows(kRows + 50, kRank, 7, false);
  std::vector<float> data(size_t(kRows + 50) * kWide);
  for (size_t row = 0; row < kRows + 50; row++)
    for (uint32_t i = 0; i < kWide; i++)
      data[row * kWide + i] =
          narrow[row * kRank + i % kRank] * ((i / kRank) % 2 == 0 ? 1.0f : -1.0f);
  ShardSpec spec;
  spec.vectors = {{"v", kWide, Metric::L2, 12, 80}};
  ThreadPool pool(2);
  Shard shard(spec, pool);
  const auto put = [&](Shard& into, uint32_t first, uint32_t count) {
    std::vector<uint32_t> offsets(count + 1, 0);
    UpsertColumns columns;
    columns.ids = testIds(first, count);
    columns.seq = first + 1;
    columns.vectors = {{0, &data[size_t(first) * kWide], nullptr, count}};
    columns.payloadBytes = "";
    columns.payloadOffsets = offsets.data();
    CHECK(into.upsert(columns).isOk());
    CHECK(waitForIndex(into).isOk());
  };
  put(shard, 0, kRows);
  VectorSpace& space = shard.snapshot().segment(0).space(0);
  REQUIRE(space.codes() && space.codes()->scheme().projection);
  auto codes = space.codesOf(CodeKind::Rabitq4, space.linked());
  REQUIRE(codes.isOk());
  CHECK_EQUAL((*codes)->space().stride(), 64u);
  while (!space.claimAdoption()) std::this_thread::yield();
  CHECK(space.adopt(codes.take(), 0, space.calibration()).isOk());
  auto written = shard.checkpoint(scratchFolder());
  REQUIRE(written.isOk());
  Shard reopened(spec, pool);
  REQUIRE(reopened.openSegment({written->segments[0].base.path, {}, {}, {}}, true).isOk());
  SearchRequest request;
  request.ef = 60;
  const auto answer = [&](const Shard& of, uint32_t row) {
    request.query.assign(&data[size_t(row) * kWide], &data[size_t(row + 1) * kWide]);
    SearchResult result;
    CHECK(search(of.snapshot(), spec.vectors, request, nullptr, result).isOk());
    return std::vector<uint32_t>(result.rows.ids.begin(), result.rows.ids.end());
  };
  for (uint32_t row = kRows; row < kRows + 50; row++)
    CHECK(answer(shard, row) == answer(reopened, row));
  put(reopened, kRows, 50);
  CHECK(reopened.snapshot().segment(0).space(0).codes()->space().kind() == CodeKind::Rabitq4);
  for (uint32_t row = kRows; row < kRows + 50; row++) CHECK_EQUAL(answer(reopened, row)[1], row);
}

TEST("automatic codes are chosen once there are enough vectors") {
  const CodedShard few(CodeKind::Auto, Metric::Cosine, 3000);
  CHECK(few.kind() == CodeKind::Sq8);
  if (isSlow()) return;
  const CodedShard many(CodeKind::Auto, Metric::Cosine, 20'000);
  CHECK(many.kind() == CodeKind::Sq8 || many.kind() == CodeKind::Rabitq4);
  CHECK_AT_LEAST(many.recallOf(asking(0.95f)), 0.935);
}
