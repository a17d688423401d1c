// Compares vectors stored as halves or bytes with a shard that stores the same numbers as floats.
// The comparison covers writes, searches, the table, segment files, compaction and cold placement.
#include <map>
#include <memory>
#include <span>

#include "block_bytes.hpp"
#include "graph_fixture.hpp"
#include "harness.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kDim = 48;

struct Kept {
  Datatype datatype;
  Metric metric;
  CodeKind code;
};
constexpr Kept kAll[] = {
    {Datatype::Float16, Metric::Cosine, CodeKind::Sq8},
    {Datatype::Float16, Metric::Dot, CodeKind::Rabitq4},
    {Datatype::Uint8, Metric::L2, CodeKind::None},
    {Datatype::Float16, Metric::L2, CodeKind::Rabitq1},
    {Datatype::Float16, Metric::L2, CodeKind::None},
    {Datatype::Uint8, Metric::Dot, CodeKind::Sq8},
    {Datatype::Float16, Metric::L1, CodeKind::None},
    {Datatype::Uint8, Metric::L2, CodeKind::Rabitq4},
    {Datatype::Uint8, Metric::L1, CodeKind::None},
};
// Under ThreadSanitizer one case for each kind of code, because metrics make no difference to
// threads.
const std::span<const Kept> kTested = std::span(kAll).first(isForRaces() ? 4 : std::size(kAll));

ShardSpec specOf(const Kept& kept, Datatype datatype) {
  ShardSpec spec;
  spec.vectors = {{"v", kDim, kept.metric, 12, 80}};
  spec.vectors[0].code = kept.code;
  spec.vectors[0].datatype = datatype;
  spec.segmentBytes = uint64_t(1) << 28;
  return spec;
}

std::vector<float> numbersOf(const Kept& kept, uint32_t rows, unsigned seed) {
  auto data = clusteredRows(rows, kDim, seed, false);
  if (kept.datatype == Datatype::Uint8)
    for (float& value : data) value = 128 + 40 * value;
  CHECK_EQUAL(prepareVectors(data.data(), rows, kDim, kept.metric == Metric::Cosine, kept.datatype),
              int64_t(-1));
  return data;
}

// Writes a vector that only floats can hold, so that the shard stores floats.
void needFloats(Shard& shard) {
  const std::vector<float> third(kDim, 1.0f / 3);
  const std::vector<uint32_t> offsets(2, 0);
  UpsertColumns columns;
  columns.ids = testIds(1'000'000, 1);
  columns.seq = 1;
  columns.vectors = {{0, third.data(), nullptr, 1}};
  columns.payloadBytes = "";
  columns.payloadOffsets = offsets.data();
  CHECK(shard.upsert(columns).isOk());
  CHECK(shard.deletePoints(columns.ids, 2).isOk());
}

// Moves rows of left segments, as maintenance does.
void moveLeft(Shard& shard) {
  for (const auto& segment : shard.stats().segments) {
    if (!segment.isLeft) continue;
    for (uint32_t left = 1; left > 0;) left = shard.moveRows(segment.number, 500).take();
    CHECK(shard.dropSegment(segment.number).isOk());
  }
}

// Makes the same writes to both shards.
struct Pair {
  explicit Pair(const Kept& kept) : kept(kept) {
    narrow = std::make_unique<Shard>(specOf(kept, kept.datatype), pool);
    wide = std::make_unique<Shard>(specOf(kept, Datatype::Float32), pool);
    both(needFloats);
  }

  void upsert(uint32_t from, uint32_t count) {
    const auto data = numbersOf(kept, count, unsigned(++seq));
    const std::vector<uint32_t> offsets(count + 1, 0);
    std::vector<uint32_t> having;
    // Some points lack the vector, so that vertices and rows differ.
    for (uint32_t at = 0; at < count; at++)
      if (at % 10 != 3) having.push_back(at);
    UpsertColumns columns;
    columns.ids = testIds(from, count);
    columns.seq = seq;
    columns.vectors = {{0, data.data(), having.data(), uint32_t(having.size())}};
    columns.payloadBytes = "";
    columns.payloadOffsets = offsets.data();
    both([&](Shard& shard) { CHECK(shard.upsert(columns).isOk()); });
  }
  void churn() {
    upsert(100, 300);
    seq++;
    both([&](Shard& shard) { CHECK(shard.deletePoints(testIds(350, 200), seq).isOk()); });
    seq++;
    both([&](Shard& shard) { CHECK(shard.deleteVectors(testIds(10, 20), {0}, seq).isOk()); });
  }
  void compact() {
    both([&](Shard& shard) {
      const int64_t frozen = shard.freeze();
      for (uint32_t left = 1; left > 0;) left = shard.moveRows(uint32_t(frozen), 200).take();
      CHECK(shard.dropSegment(uint32_t(frozen)).isOk());
    });
  }
  void settle() {
    both([](Shard& shard) { CHECK(waitForIndex(shard).isOk()); });
  }
  template <typename Body> void both(const Body& body) {
    body(*narrow);
    body(*wide);
  }

  Kept kept;
  ThreadPool pool{2};
  uint64_t seq = 2;
  std::unique_ptr<Shard> narrow;
  std::unique_ptr<Shard> wide;
};

using Scores = std::map<uint32_t, float>;

Scores find(const Shard& shard, const float* query, bool isExact, uint32_t limit = 10) {
  SearchRequest request;
  request.query.assign(query, query + kDim);
  request.isExact = isExact;
  request.limit = limit;
  SearchResult result;
  CHECK(search(shard.snapshot(), shard.spec().vectors, request, nullptr, result).isOk());
  Scores scores;
  for (uint32_t at = 0; at < result.rows.count; at++)
    scores[result.rows.ids[at * kIdWords + 1]] = result.scores[at];
  return scores;
}

// Every score equals the floats' score bit for bit, and nearly all of the nearest are found.
void checkAlike(const Pair& pair, const Shard& narrow) {
  constexpr uint32_t kQueries = 40;
  const auto queries = numbersOf(pair.kept, kQueries, 4242);
  double hits = 0;
  double wanted = 0;
  for (uint32_t at = 0; at < kQueries; at++) {
    const float* const query = &queries[size_t(at) * kDim];
    const Scores exact = find(*pair.wide, query, true);
    CHECK(find(narrow, query, true) == exact);
    const Scores all = find(*pair.wide, query, true, 10'000);
    for (const auto& [id, score] : find(narrow, query, false)) {
      CHECK(all.count(id) > 0 && all.at(id) == score);
      hits += exact.count(id) > 0 ? 1 : 0;
    }
    wanted += double(exact.size());
  }
  CHECK(wanted > 0);
  CHECK_AT_LEAST(hits / wanted, 0.9);
}

RowBlock rowsOf(const Shard& shard) {
  ScrollRequest request;
  request.limit = 10'000;
  request.fields.vectors.push_back(0);
  ScrollResult result;
  CHECK(scroll(shard.snapshot(), shard.spec().vectors, request, nullptr, result).isOk());
  return std::move(result.rows);
}

template <typename T> bool areEqual(const Buffer<T>& a, const Buffer<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

// Points that are read have the same floats, bit for bit.
void checkRows(const Shard& narrow, const Shard& wide) {
  const RowBlock a = rowsOf(narrow);
  const RowBlock b = rowsOf(wide);
  CHECK(areEqual(a.ids, b.ids));
  CHECK(areEqual(a.vectors[0].counts, b.vectors[0].counts));
  CHECK(areEqual(a.vectors[0].data, b.vectors[0].data));
}

uint64_t heldBytes(const Shard& shard) { return shard.memory().vectors[0].vectors.bytes; }

constexpr uint32_t rowsOfTest() { return 3000; }

} // namespace

TEST(
    "narrow vectors: answers equal those of the same floats, through churn, compaction and files") {
  for (const Kept& kept : kTested) {
    Pair pair(kept);
    pair.upsert(0, test::isForRaces() ? 500 : test::isSlow() ? 1000 : rowsOfTest());
    // First by the tail alone, then by codes or graph, then after further writes.
    checkAlike(pair, *pair.narrow);
    pair.settle();
    checkAlike(pair, *pair.narrow);
    pair.churn();
    pair.settle();
    checkAlike(pair, *pair.narrow);
    checkRows(*pair.narrow, *pair.wide);
    pair.compact();
    pair.settle();
    checkAlike(pair, *pair.narrow);
    checkRows(*pair.narrow, *pair.wide);
    CHECK(pair.narrow->validate().empty());

    auto written = pair.narrow->checkpoint(scratchFolder());
    REQUIRE(written.isOk());
    const std::string path = written->segments[0].base.path;
    Shard reopened(pair.narrow->spec(), pair.pool);
    REQUIRE(reopened.openSegment({path, {}, {}, {}}, true).isOk());
    checkAlike(pair, reopened);
    checkRows(reopened, *pair.wide);
    // The space goes on growing behind the mapped part.
    pair.narrow = nullptr;
    UpsertColumns more;
    const auto data = numbersOf(kept, 50, 77);
    const std::vector<uint32_t> offsets(51, 0);
    more.ids = testIds(9000, 50);
    more.seq = ++pair.seq;
    more.vectors = {{0, data.data(), nullptr, 50}};
    more.payloadBytes = "";
    more.payloadOffsets = offsets.data();
    REQUIRE(reopened.upsert(more).isOk() && pair.wide->upsert(more).isOk());
    REQUIRE(waitForIndex(reopened).isOk());
    checkAlike(pair, reopened);
  }
}

TEST("narrow vectors: memory and files have the datatype's bytes for each component") {
  for (const Datatype datatype : {Datatype::Float16, Datatype::Uint8}) {
    Pair pair({datatype, Metric::L2, CodeKind::Auto});
    pair.upsert(0, rowsOfTest());
    pair.settle();
    const uint64_t ratio = sizeof(float) / bytesOf(datatype);
    CHECK_EQUAL(heldBytes(*pair.narrow) * ratio, heldBytes(*pair.wide));
    CHECK_EQUAL(pair.narrow->stats().vectors[0].vectorBytes * ratio,
                pair.wide->stats().vectors[0].vectorBytes);
    auto written = pair.narrow->checkpoint(scratchFolder());
    REQUIRE(written.isOk());
    const auto described = inspectSegment(written->segments[0].base.path);
    REQUIRE(described.isOk());
    CHECK(described->directory.vectors[0].spec.datatype == datatype);
    CHECK_EQUAL(described->directory.find(SectionKind::Vectors)->bytes * ratio,
                heldBytes(*pair.wide));
  }
}

ANSWERS_TEST("narrow vectors: cold vectors give the same scores") {
  for (const Kept& kept : kTested) {
    if (kept.code == CodeKind::None) continue;
    Pair pair(kept);
    pair.upsert(0, 1500);
    pair.settle();
    auto written = pair.narrow->checkpoint(scratchFolder());
    REQUIRE(written.isOk());
    ShardSpec spec = pair.narrow->spec();
    spec.vectors[0].memory = Placement::Cold;
    Shard cold(spec, pair.pool);
    REQUIRE(cold.openSegment({written->segments[0].base.path, {}, {}, {}}, true).isOk());
    CHECK(cold.snapshot().segment(0).space(0).coldVectors() != nullptr);
    CHECK_EQUAL(cold.memory().vectors[0].inFiles, heldBytes(*pair.narrow));
    checkAlike(pair, cold);
    checkRows(cold, *pair.wide);
  }
}

ANSWERS_TEST("narrow vectors: the table gets floats with their checksums and loads them back") {
  for (const Kept& kept : {kAll[0], kAll[5]}) {
    Pair pair(kept);
    pair.upsert(0, 500);
    TableRows narrow;
    TableRows wide;
    REQUIRE(pair.narrow->takeFlush(1 << 26, narrow).isOk());
    REQUIRE(pair.wide->takeFlush(1 << 26, wide).isOk());
    CHECK(areEqual(narrow.vectors[0].data, wide.vectors[0].data));
    CHECK(areEqual(narrow.crcs, wide.crcs));
    TableView view;
    view.count = narrow.count;
    view.idBytes = narrow.idBytes.data();
    view.idOffsets = narrow.idOffsets.data();
    view.seqs = narrow.seqs.data();
    view.deleted = narrow.deleted.data();
    view.crcs = narrow.crcs.data();
    view.payloadBytes = narrow.payloadBytes.data();
    view.payloadOffsets = narrow.payloadOffsets.data();
    view.vectors = {{narrow.vectors[0].data.data(), narrow.vectors[0].counts.data()}};
    CHECK_EQUAL(pair.narrow->verifyRows(view), int64_t(-1));
    Shard loaded(pair.narrow->spec(), pair.pool);
    REQUIRE(loaded.loadRows(view).isOk());
    checkRows(loaded, *pair.wide);
    // All rows except the deleted one.
    CHECK_EQUAL(heldBytes(loaded) + kDim * bytesOf(kept.datatype), heldBytes(*pair.narrow));
  }
}

ANSWERS_TEST("narrow vectors: files of floats stay floats until compaction") {
  for (const Kept& kept : {kAll[0], kAll[5]}) {
    Pair pair(kept);
    pair.upsert(0, 1000);
    pair.settle();
    auto written = pair.wide->checkpoint(scratchFolder());
    REQUIRE(written.isOk());
    const std::string path = written->segments[0].base.path;
    pair.narrow = std::make_unique<Shard>(specOf(kept, kept.datatype), pair.pool);
    REQUIRE(pair.narrow->openSegment({path, {}, {}, {}}, true).isOk());
    CHECK_EQUAL(heldBytes(*pair.narrow), heldBytes(*pair.wide));
    checkAlike(pair, *pair.narrow);
    pair.churn();
    pair.settle();
    checkAlike(pair, *pair.narrow);
    moveLeft(*pair.narrow);
    pair.compact();
    pair.settle();
    checkAlike(pair, *pair.narrow);
    checkRows(*pair.narrow, *pair.wide);
    CHECK_EQUAL(heldBytes(*pair.narrow) * (4 / bytesOf(kept.datatype)), heldBytes(*pair.wide));
  }
}

ANSWERS_TEST("a file of an older format is reported as such and not read") {
  Pair pair(kAll[0]);
  pair.upsert(0, 100);
  pair.settle();
  auto written = pair.wide->checkpoint(scratchFolder());
  REQUIRE(written.isOk());
  const std::string path = written->segments[0].base.path + ".older";
  std::string bytes = readAll(written->segments[0].base.path);
  const uint32_t version = 7;
  std::memcpy(&bytes[8], &version, sizeof version);
  std::memcpy(&bytes[12], &version, sizeof version);
  forge(bytes);
  writeAll(path, bytes);
  Shard opened(pair.wide->spec(), pair.pool);
  const auto status = opened.openSegment({path, {}, {}, {}}, true).status();
  CHECK(status.code() == Code::Corrupt);
  CHECK(status.message().find("format version 7 is older than any that is read") !=
        std::string::npos);
}

TEST("narrow vectors: a full segment is followed by another") {
  ThreadPool pool(2);
  ShardSpec spec;
  spec.vectors = {{"v", 1, Metric::L2, 8, 40}};
  spec.vectors[0].isMulti = true;
  spec.vectors[0].datatype = Datatype::Uint8;
  // The capacity ends just behind a page of bytes, far from the end of a page of words.
  constexpr uint32_t kEach = 64;
  spec.segmentBytes = 3 * 4096 * (kRowBytes + 1);
  Shard shard(spec, pool);
  std::vector<float> data(kEach);
  for (uint32_t i = 0; i < kEach; i++) data[i] = float(i);
  for (uint32_t row = 0; row < 500; row++) {
    UpsertColumns columns;
    columns.ids = testIds(row, 1);
    columns.seq = row + 1;
    columns.vectors = {{0, data.data(), nullptr, 1, &kEach}};
    REQUIRE(shard.upsert(columns).isOk());
  }
  CHECK(shard.snapshot().count() > 1);
  CHECK_EQUAL(pointsOf(shard), uint64_t(500));
}

ANSWERS_TEST("narrow vectors: a file narrower than configured is opened as it is") {
  Pair pair({Datatype::Uint8, Metric::L2, CodeKind::Auto});
  pair.upsert(0, 100);
  pair.settle();
  auto written = pair.narrow->checkpoint(scratchFolder());
  REQUIRE(written.isOk());
  const std::string path = written->segments[0].base.path;
  for (const Datatype asked : {Datatype::Float32, Datatype::Float16}) {
    Shard other(specOf(pair.kept, asked), pair.pool);
    REQUIRE(other.openSegment({path, {}, {}, {}}, true).isOk());
    checkAlike(pair, other);
    checkRows(other, *pair.wide);
  }
  const auto changed = pair.narrow->configure(specOf(pair.kept, Datatype::Float16).vectors);
  CHECK(!changed && changed.status().code() == Code::InvalidArgument);
}

// ---- narrower than configured

namespace {

constexpr uint32_t kEnough = 1024;

// Numbers for which this datatype is the narrowest that holds them.
std::vector<float> numbersHeldBy(Datatype datatype, uint32_t rows, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> numbers(size_t(rows) * kDim);
  for (float& number : numbers) {
    number = float(random() % 256);
    if (datatype == Datatype::Float16) number = (number - 128) / 16;
    if (datatype == Datatype::Float32) number /= 3;
  }
  return numbers;
}

void put(Shard& shard, uint32_t from, const std::vector<float>& numbers, uint64_t seq) {
  const auto count = uint32_t(numbers.size() / kDim);
  const std::vector<uint32_t> offsets(count + 1, 0);
  UpsertColumns columns;
  columns.ids = testIds(from, count);
  columns.seq = seq;
  columns.vectors = {{0, numbers.data(), nullptr, count}};
  columns.payloadBytes = "";
  columns.payloadOffsets = offsets.data();
  CHECK(shard.upsert(columns).isOk());
}

std::vector<Datatype> datatypesOf(const Shard& shard) {
  std::vector<Datatype> datatypes;
  const Snapshot snapshot = shard.snapshot();
  for (size_t at = 0; at < snapshot.count(); at++)
    datatypes.push_back(snapshot.segment(at).space(0).spec().datatype);
  return datatypes;
}

// Without a graph, which does not depend on how rows are stored.
ShardSpec floatSpec(Datatype datatype = Datatype::Float32) {
  ShardSpec spec = specOf({Datatype::Float32, Metric::L2, CodeKind::Auto}, datatype);
  spec.vectors[0].m = 0;
  return spec;
}

} // namespace

TEST("narrow vectors: new segments use the narrowest type that holds all vectors, once there are "
     "enough") {
  ThreadPool pool(2);
  for (const Datatype held : {Datatype::Uint8, Datatype::Float16, Datatype::Float32}) {
    Shard shard(floatSpec(), pool);
    for (uint32_t at = 0; at < 12; at++) put(shard, at * 100, numbersHeldBy(held, 100, at), at + 1);
    // Rows from before there were enough are moved to the new segment.
    const bool isNarrow = held != Datatype::Float32;
    CHECK_EQUAL(shard.stats().segments.size(), size_t(isNarrow ? 2 : 1));
    moveLeft(shard);
    CHECK(datatypesOf(shard) == std::vector<Datatype>{held});
    CHECK_EQUAL(pointsOf(shard), uint64_t(1200));
    Shard atOnce(floatSpec(), pool);
    put(atOnce, 0, numbersHeldBy(held, kEnough, 7), 1);
    CHECK(datatypesOf(atOnce) == std::vector<Datatype>{held});
    // Never wider than configured.
    if (held == Datatype::Float32) continue;
    Shard halves(floatSpec(Datatype::Float16), pool);
    put(halves, 0, numbersHeldBy(held, kEnough, 7), 1);
    CHECK(datatypesOf(halves) == std::vector<Datatype>{held});
  }
}

TEST("narrow vectors: a value that does not fit begins a wider segment for good") {
  ThreadPool pool(2);
  Shard shard(floatSpec(), pool);
  put(shard, 0, numbersHeldBy(Datatype::Uint8, 5000, 1), 1);
  put(shard, 5000, numbersHeldBy(Datatype::Float32, 10, 2), 2);
  put(shard, 6000, numbersHeldBy(Datatype::Uint8, 2000, 3), 3);
  using enum Datatype;
  CHECK(datatypesOf(shard) == (std::vector<Datatype>{Uint8, Float32}));
  // A segment with many rows stays; one with few rows is moved.
  moveLeft(shard);
  CHECK(datatypesOf(shard) == (std::vector<Datatype>{Uint8, Float32}));
  Shard few(floatSpec(), pool);
  put(few, 0, numbersHeldBy(Uint8, 2000, 1), 1);
  put(few, 2000, numbersHeldBy(Float32, 10, 2), 2);
  moveLeft(few);
  CHECK(datatypesOf(few) == std::vector<Datatype>{Float32});
  CHECK_EQUAL(pointsOf(few), uint64_t(2010));
}

TEST("narrow vectors: an opened file determines the type of later rows") {
  ThreadPool pool(2);
  using enum Datatype;
  for (const Datatype held : {Uint8, Float32}) {
    Shard shard(floatSpec(), pool);
    put(shard, 0, numbersHeldBy(held, 6000, 1), 1);
    CHECK(waitForIndex(shard).isOk());
    auto written = shard.checkpoint(scratchFolder());
    REQUIRE(written.isOk());
    Shard reopened(floatSpec(), pool);
    REQUIRE(reopened.openSegment({written->segments[0].base.path, {}, {}, {}}, true).isOk());
    put(reopened, 6000, numbersHeldBy(Uint8, 2000, 2), 2);
    CHECK(datatypesOf(reopened) == std::vector<Datatype>{held});
    put(reopened, 8000, numbersHeldBy(Float16, 2000, 3), 3);
    const auto expected =
        held == Uint8 ? std::vector<Datatype>{Uint8, Float16} : std::vector<Datatype>{Float32};
    CHECK(datatypesOf(reopened) == expected);
  }
}

// Every number is read as written, in any order of datatypes.
TEST("narrow vectors: numbers of all kinds in any order are read back bit for bit") {
  for (unsigned seed = 1; seed <= (isSlow() ? 3 : 12); seed++) {
    std::mt19937 random(seed);
    ThreadPool pool(2);
    auto shard = std::make_unique<Shard>(floatSpec(), pool);
    std::map<uint32_t, std::vector<float>> written;
    for (uint64_t seq = 1; seq <= 12; seq++) {
      // Mostly narrow numbers, so that the segments do not become wide at the start.
      const uint32_t kind = random() % 8;
      const Datatype held = kind == 0   ? Datatype::Float32
                            : kind <= 2 ? Datatype::Float16
                                        : Datatype::Uint8;
      const uint32_t from = random() % 3000;
      const auto numbers = numbersHeldBy(held, 1 + random() % 900, seed * 100 + unsigned(seq));
      put(*shard, from, numbers, seq);
      for (uint32_t at = 0; at * kDim < numbers.size(); at++)
        written[from + at] = {&numbers[size_t(at) * kDim], &numbers[size_t(at) * kDim] + kDim};
      if (random() % 3 == 0) moveLeft(*shard);
      if (random() % 4 != 0) continue;
      CHECK(waitForIndex(*shard).isOk());
      auto files = shard->checkpoint(scratchFolder());
      REQUIRE(files.isOk());
      auto reopened = std::make_unique<Shard>(floatSpec(), pool);
      for (size_t at = 0; at < files->segments.size(); at++) {
        const auto& segment = files->segments[at];
        REQUIRE(
            reopened->openSegment({segment.base.path, {}, {}, {}}, at + 1 == files->segments.size())
                .isOk());
      }
      if (pointsOf(*reopened) == written.size()) shard = std::move(reopened);
    }
    const RowBlock rows = rowsOf(*shard);
    REQUIRE(rows.count == written.size());
    size_t at = 0;
    for (const auto& [id, numbers] : written)
      CHECK(std::memcmp(&rows.vectors[0].data.data()[at++ * kDim], numbers.data(), kDim * 4) == 0);
  }
}

ANSWERS_TEST("narrow vectors: a type holds exactly the values that convert back bit for bit") {
  for (uint32_t bits = 0; bits < 0x10000; bits++) {
    const float half = fromHalf({uint16_t(bits)});
    if (std::isfinite(half)) CHECK(holds(Datatype::Float16, &half, 1));
  }
  for (uint32_t value = 0; value < 256; value++) {
    const auto number = float(value);
    CHECK(holds(Datatype::Uint8, &number, 1));
    CHECK(holds(Datatype::Float16, &number, 1));
  }
  for (const float other : {-0.0f, -1.0f, 0.5f, 254.5f, 255.5f, 256.0f, 1e-45f, 65504.0f})
    CHECK(!holds(Datatype::Uint8, &other, 1));
  for (const float other : {0.1f, 65520.0f, 1e-45f, 2049.0f, 1.0f / 3})
    CHECK(!holds(Datatype::Float16, &other, 1));
  // At any position.
  for (size_t count = 1; count < 200; count += 7)
    for (size_t at = 0; at < count; at++) {
      std::vector<float> numbers(count, 3);
      numbers[at] = 0.1f;
      CHECK(!holds(Datatype::Uint8, numbers.data(), count));
      CHECK(!holds(Datatype::Float16, numbers.data(), count));
      CHECK(holds(Datatype::Float32, numbers.data(), count));
    }
}
