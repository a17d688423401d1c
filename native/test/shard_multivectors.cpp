// Compares multivectors with a plain model: through writes, searches, the table, segment files and
// compaction.
#include <algorithm>
#include <map>

#include "graph_fixture.hpp"
#include "harness.hpp"
#include "program_bytes.hpp"
#include "score_fixture.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kDim = 16;
using Matrix = std::vector<float>; // vectors one after the other

struct Model {
  ShardSpec spec;
  ThreadPool pool{2};
  std::unique_ptr<Shard> shard;
  std::map<uint32_t, Matrix> points;
  std::mt19937 random{7};
  uint64_t seq = 0;

  explicit Model(Metric metric, Datatype datatype = Datatype::Float32) {
    spec.vectors = {{"tokens", kDim, metric, 12, 80}};
    spec.vectors[0].isMulti = true;
    spec.vectors[0].datatype = datatype;
    spec.segmentBytes = uint64_t(1) << 26;
    shard = std::make_unique<Shard>(spec, pool);
  }

  // The vectors of a row lie around one of some centres, like the tokens of a text around its
  // subject.
  Matrix someVectors(uint32_t least = 1) {
    std::normal_distribution<float> normal;
    const uint32_t count = std::uniform_int_distribution<uint32_t>(least, 7)(random);
    const uint32_t centre = random() % 40;
    Matrix matrix;
    for (uint32_t at = 0; at < count; at++) {
      std::mt19937 around(centre);
      for (uint32_t i = 0; i < kDim; i++) matrix.push_back(3 * normal(around) + normal(random));
    }
    const bool isUnit = spec.vectors[0].metric == Metric::Cosine;
    (void)prepareVectors(matrix.data(), count, kDim, isUnit, spec.vectors[0].datatype);
    return matrix;
  }

  // Points without a vector are left out of the column.
  Status write(const std::vector<std::pair<uint32_t, Matrix>>& rows, bool isUpdate) {
    UpsertColumns columns;
    Matrix data;
    std::vector<uint32_t> having;
    std::vector<uint32_t> counts;
    const std::vector<uint32_t> offsets(rows.size() + 1, 0);
    for (const auto& [id, matrix] : rows) {
      if (!matrix.empty()) {
        having.push_back(uint32_t(columns.ids.size()));
        counts.push_back(uint32_t(matrix.size() / kDim));
        data.insert(data.end(), matrix.begin(), matrix.end());
      }
      columns.ids.push_back(PointId::number(id));
      points[id] = matrix;
    }
    columns.seq = ++seq;
    columns.vectors = {{0, data.data(), having.data(), uint32_t(having.size()), counts.data()}};
    columns.payloadBytes = "";
    columns.payloadOffsets = offsets.data();
    return isUpdate ? shard->updateVectors(columns) : shard->upsert(columns);
  }

  void fill(uint32_t from, uint32_t count) {
    std::vector<std::pair<uint32_t, Matrix>> rows;
    for (uint32_t id = from; id < from + count; id++) rows.emplace_back(id, someVectors(0));
    CHECK(write(rows, false).isOk());
  }

  double distanceOf(const Matrix& query, const Matrix& row) const {
    double sum = 0;
    for (size_t q = 0; q < query.size(); q += kDim) {
      double least = 1e30;
      for (size_t r = 0; r < row.size(); r += kDim) {
        double distance = 0;
        for (uint32_t i = 0; i < kDim; i++) {
          const double apart = double(query[q + i]) - row[r + i];
          distance += spec.vectors[0].metric == Metric::L2 ? apart * apart
                                                           : -double(query[q + i]) * row[r + i];
        }
        least = std::min(least, distance);
      }
      sum += least;
    }
    return sum;
  }

  std::vector<double> nearest(const Matrix& query, size_t wanted) const {
    std::vector<double> distances;
    for (const auto& [id, row] : points)
      if (!row.empty()) distances.push_back(distanceOf(query, row));
    std::sort(distances.begin(), distances.end());
    distances.resize(std::min(wanted, distances.size()));
    return distances;
  }

  SearchResult find(const Shard& in, const Matrix& query, bool isExact) const {
    SearchRequest request;
    request.query = query;
    request.isExact = isExact;
    request.fields.vectors.push_back(0);
    SearchResult result;
    const Status status = search(in.snapshot(), spec.vectors, request, nullptr, result);
    if (!status) fail(__FILE__, __LINE__, status.message().c_str());
    return result;
  }

  // Exact answers, and their vectors, equal those of the model.
  void check(const Shard& in) {
    for (int asked = 0; asked < 5; asked++) {
      const Matrix query = someVectors();
      const auto expected = nearest(query, 10);
      const SearchResult found = find(in, query, true);
      REQUIRE(found.rows.count == expected.size());
      size_t at = 0;
      for (uint32_t row = 0; row < found.rows.count; row++) {
        const float score = scoreOf(spec.vectors[0].metric, float(expected[row]));
        CHECK(std::fabs(found.scores[row] - score) <= 1e-3f * (1 + std::fabs(score)));
        const Matrix& own = points.at(found.rows.ids[row * kIdWords + 1]);
        const size_t count = found.rows.vectors[0].counts[row];
        CHECK_EQUAL(count * kDim, own.size());
        CHECK(std::equal(own.begin(), own.end(), found.rows.vectors[0].data.begin() + at));
        at += count * kDim;
      }
      CHECK_EQUAL(at, found.rows.vectors[0].data.size());
    }
  }

  double recall(const Shard& in, uint32_t queries) {
    double hits = 0;
    for (uint32_t asked = 0; asked < queries; asked++) {
      const Matrix query = someVectors();
      const auto truth = nearest(query, 10);
      const float last = scoreOf(spec.vectors[0].metric, float(truth.back()));
      const bool isGreater = spec.vectors[0].metric != Metric::L2;
      for (const float score : find(in, query, false).scores)
        hits += (isGreater ? score >= last - 1e-3f : score <= last + 1e-3f) ? 1 : 0;
    }
    return hits / (10.0 * queries);
  }
};

TableView viewOf(const TableRows& rows) {
  TableView view;
  view.count = rows.count;
  view.idBytes = rows.idBytes.data();
  view.idOffsets = rows.idOffsets.data();
  view.seqs = rows.seqs.data();
  view.deleted = rows.deleted.data();
  view.crcs = rows.crcs.data();
  view.payloadBytes = rows.payloadBytes.data();
  view.payloadOffsets = rows.payloadOffsets.data();
  for (const auto& column : rows.vectors)
    view.vectors.push_back({column.data.data(), column.counts.data()});
  return view;
}

} // namespace

ANSWERS_TEST(
    "multivectors: scores by several examples combine MaxSim scores, with and without a walk") {
  using Combine = Combination::Combine;
  for (const Metric metric : {Metric::Cosine, Metric::Dot, Metric::L2}) {
    Model model(metric);
    model.fill(0, 3000);
    CHECK(waitForIndex(*model.shard).isOk());
    for (const Combine combine : {Combine::BestScore, Combine::SumScores, Combine::Discover,
                                  Combine::Context, Combine::Feedback}) {
      SearchRequest request;
      Examples examples;
      examples.combine = combine;
      examples.count = combine == Combine::Context ? 2 : 3;
      examples.positives = combine == Combine::BestScore   ? 2
                           : combine == Combine::SumScores ? 3
                                                           : 0;
      examples.weights = {1, 0.5f, -0.5f};
      std::vector<Matrix> matrices;
      for (uint32_t at = 0; at < examples.count; at++) {
        const Matrix& matrix = matrices.emplace_back(model.someVectors());
        examples.counts.push_back(uint32_t(matrix.size() / kDim));
        examples.vectors.insert(examples.vectors.end(), matrix.begin(), matrix.end());
      }
      request.examples = examples;
      std::vector<double> scores;
      for (const auto& [id, row] : model.points) {
        std::vector<double> to;
        for (const Matrix& matrix : matrices) to.push_back(-model.distanceOf(matrix, row));
        if (!row.empty()) scores.push_back(combinedScore(examples, to));
      }
      std::sort(scores.rbegin(), scores.rend());
      for (const bool isExact : {true, false}) {
        request.isExact = isExact;
        SearchResult found;
        REQUIRE(
            search(model.shard->snapshot(), model.spec.vectors, request, nullptr, found).isOk());
        REQUIRE(found.rows.count == 10);
        const auto isNear = [&](uint32_t at) {
          return std::fabs(found.scores[at] - scores[at]) <= 2e-4 * (1 + std::fabs(scores[at]));
        };
        uint32_t near = 0;
        for (uint32_t at = 0; at < 10; at++) near += isNear(at) ? 1 : 0;
        // Scores that allow no walk are answered by a scan.
        const bool mayWalk = combine == Combine::BestScore || combine == Combine::SumScores;
        CHECK(near >= (isExact || !mayWalk ? 10u : 5u));
      }
    }
  }
}

TEST("multivectors: exact answers equal those of a plain model through updates and deletes") {
  for (const Metric metric : {Metric::Cosine, Metric::Dot, Metric::L2}) {
    Model model(metric);
    model.fill(0, 300);
    model.check(*model.shard);
    model.fill(200, 200);
    CHECK(model.write({{5, model.someVectors()}, {6, model.someVectors()}}, true).isOk());
    CHECK(model.shard->deletePoints(testIds(50, 30), ++model.seq).isOk());
    for (uint32_t id = 50; id < 80; id++) model.points.erase(id);
    CHECK(model.shard->deleteVectors(testIds(90, 5), {0}, ++model.seq).isOk());
    for (uint32_t id = 90; id < 95; id++) model.points[id].clear();
    CHECK(waitForIndex(*model.shard).isOk());
    model.check(*model.shard);
  }
}

ANSWERS_TEST("multivectors: a scan without matches ends when it is cancelled") {
  Model model(Metric::Dot);
  for (uint32_t from = 0; from < 3000; from += 500) model.fill(from, 500);
  SearchRequest request;
  request.isExact = true;
  request.query.assign(kDim, 1);
  request.filter = numberRange("none has it", 0, 1);
  CancelFlag cancel;
  SearchResult result;
  CHECK(search(model.shard->snapshot(), model.spec.vectors, request, &cancel, result).isOk());
  CHECK_EQUAL(result.rows.count, 0u);
  cancel.cancel();
  const Status ended =
      search(model.shard->snapshot(), model.spec.vectors, request, &cancel, result);
  CHECK_EQUAL(int(ended.code()), int(Code::Cancelled));
}

TEST("multivectors: the graph of their vectors leads to the rows") {
  const uint32_t rows = isSlow() ? 1500 : 6000;
  for (const Metric metric : firstForRaces({Metric::Cosine, Metric::L2})) {
    Model model(metric);
    for (uint32_t from = 0; from < rows; from += 500) model.fill(from, 500);
    CHECK(waitForIndex(*model.shard).isOk());
    CHECK_AT_LEAST(model.recall(*model.shard, 40), 0.9);
  }
}

ANSWERS_TEST("multivectors: halves and bytes give the answers of a plain model") {
  for (const auto& [metric, datatype] :
       {std::pair{Metric::Cosine, Datatype::Float16}, {Metric::L2, Datatype::Uint8}}) {
    Model model(metric, datatype);
    for (uint32_t from = 0; from < 1500; from += 500) model.fill(from, 500);
    model.fill(200, 200);
    CHECK(waitForIndex(*model.shard).isOk());
    model.check(*model.shard);
    CHECK_AT_LEAST(model.recall(*model.shard, 40), 0.9);
  }
}

void checkGivenBack(Datatype datatype) {
  Model model(Metric::Dot, datatype);
  model.fill(0, 400);
  model.fill(100, 100);
  TableRows rows;
  CHECK(model.shard->takeFlush(1 << 26, rows).isOk());
  CHECK_EQUAL(rows.count, 400u);
  const TableView view = viewOf(rows);
  CHECK_EQUAL(model.shard->verifyRows(view), -1);
  Shard loaded(model.spec, model.pool);
  CHECK(loaded.loadRows(view).isOk());
  model.check(loaded);
  rows.vectors[0].data[17] += 1;
  CHECK(model.shard->verifyRows(view) >= 0);

  CHECK(waitForIndex(*model.shard).isOk());
  auto written = model.shard->checkpoint(scratchFolder());
  REQUIRE(written.isOk());
  Shard reopened(model.spec, model.pool);
  REQUIRE(reopened.openSegment({written->segments[0].base.path, {}, {}, {}}, true).isOk());
  model.check(reopened);

  const int64_t frozen = model.shard->freeze();
  while (true) {
    const auto left = model.shard->moveRows(uint32_t(frozen), 64);
    REQUIRE(left.isOk());
    if (*left == 0) break;
  }
  CHECK(model.shard->dropSegment(uint32_t(frozen)).isOk());
  CHECK(waitForIndex(*model.shard).isOk());
  model.check(*model.shard);
}

TEST("multivectors: the table, segment files and compaction give them back") {
  for (const Datatype datatype :
       firstForRaces({Datatype::Float16, Datatype::Float32, Datatype::Uint8}))
    checkGivenBack(datatype);
}
