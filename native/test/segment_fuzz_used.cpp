// Damaged segment files with right checksums. Each is opened, inserted into, searched and closed,
// and all of that ends.
#include "fuzz_rounds.hpp"
#include "search/sparse_search.hpp"
#include "segment/segment_format.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kPoints = 120;
constexpr uint32_t kWords = 4;
constexpr int kRounds = 400;
constexpr uint32_t kTreeShift = 12;
constexpr uint32_t kCountMask = 0xfff;

ShardSpec usedSpec() {
  ShardSpec spec = testSpec();
  spec.vectors[1].datatype = Datatype::Uint8;
  spec.vectors.push_back({"many", 4, Metric::L2, 4, 20});
  spec.vectors.back().isMulti = true;
  spec.sparse = {{"words", Placement::Cached}};
  return spec;
}

// Points with every kind of vector; some are copies of each other, which fills the tree.
struct UsedBatch {
  TestBatch batch;
  std::vector<float> many;
  std::vector<uint32_t> counts;
  std::vector<uint32_t> indices;
  std::vector<float> values;
  std::vector<uint32_t> offsets{0};

  UsedBatch(uint64_t from, uint32_t count, uint64_t seq) : batch(from, count, seq) {
    for (uint32_t at = 0; at < count; at++) {
      batch.columns.ids[at].uuid = at % 3 == 0;
      if (at % 4 == 0) std::fill_n(batch.a.begin() + at * kTestDim, kTestDim, 0.5f);
      counts.push_back(1 + at % 3);
      for (uint32_t i = 0; i < 4 * counts.back(); i++) many.push_back(float((at + i) % 7));
      for (uint32_t word = 0; word < kWords; word++) {
        indices.push_back(word * 50 + at % 50);
        values.push_back(float(1 + at % 5));
      }
      offsets.push_back(uint32_t(indices.size()));
    }
    for (float& component : batch.b) component = std::round(component * 100 + 100);
    batch.columns.vectors.push_back({2, many.data(), nullptr, count, counts.data()});
    batch.columns.sparse = {{0, indices.data(), values.data(), offsets.data(), nullptr, count}};
  }
};

std::string written(const ShardSpec& spec, ThreadPool& pool) {
  Shard shard(spec, pool);
  if (!shard.upsert(UsedBatch(0, kPoints, 1).batch.columns) || !waitForIndex(shard)) return {};
  const auto files = shard.checkpoint(scratchFolder());
  return files ? files->segments[0].base.path : std::string();
}

std::vector<Section> sectionsOf(const std::string& path) {
  const auto file = BlockFile::open(path, FileKind::Segment);
  SegmentDirectory directory;
  if (!file || !decodeDirectory(*file, directory)) return {};
  return directory.sections;
}

// Marks edges of some or all records as tree edges.
void markTrees(std::string& bytes, const Section& level0, const ShardSpec& spec, Damage& damage) {
  const size_t recordBytes = (1 + 4 * size_t(spec.vectors[level0.vector].m)) * sizeof(uint32_t);
  const bool isAll = damage.below(2) == 0;
  for (size_t at = 0; at + recordBytes <= level0.bytes; at += recordBytes) {
    if (!isAll && damage.below(8) != 0) continue;
    auto header = field<uint32_t>(bytes, level0.offset + at);
    const uint32_t count = header & kCountMask;
    const auto marked = uint32_t(isAll ? count : damage.below(count + 1));
    header = count | marked << kTreeShift;
    std::memcpy(bytes.data() + level0.offset + at, &header, sizeof header);
  }
}

// The file with one changed section or a changed directory, and right checksums.
std::string nearly(const std::string& whole, const std::vector<Section>& sections,
                   const ShardSpec& spec, Damage& damage) {
  std::string bytes = whole;
  const Section& section = sections[damage.below(sections.size())];
  const size_t end = section.offset + section.bytes;
  if (section.kind == SectionKind::GraphLevel0 && damage.below(2) == 0)
    markTrees(bytes, section, spec, damage);
  else if (damage.below(5) == 0)
    damage.change(bytes, field<uint64_t>(whole, 24), field<uint64_t>(whole, 40));
  else if (damage.below(8) == 0)
    std::fill(bytes.begin() + ptrdiff_t(section.offset), bytes.begin() + ptrdiff_t(end), '\xff');
  else
    damage.change(bytes, section.offset, end);
  forge(bytes);
  return bytes;
}

void searchAll(Shard& shard) {
  const ShardSpec& spec = shard.spec();
  for (uint32_t vector = 0; vector < spec.vectors.size(); vector++) {
    SearchRequest request = testSearch(vector);
    request.vector = vector;
    request.query.resize(spec.vectors[vector].dim, 0.25f);
    answer(shard, request);
    request.isExact = true;
    answer(shard, request);
  }
  SparseRequest words;
  words.indices = {3, 53, 103};
  words.values = {1, 2, 3};
  words.limit = 20;
  words.fields.payload = true;
  words.hasIdf = true;
  SearchResult result;
  CHECK(searchSparse(shard.snapshot(), spec.vectors, words, nullptr, result).isOk());
  ScrollRequest page;
  page.limit = 2 * kPoints;
  page.fields.payload = true;
  page.fields.vectors = {0, 1, 2, 3};
  ScrollResult rows;
  (void)scroll(shard.snapshot(), spec.vectors, page, nullptr, rows);
  pointsOf(shard);
}

// False if the file was refused.
bool use(const ShardSpec& spec, ThreadPool& pool, const std::string& path, bool isResumed) {
  Shard shard(spec, pool);
  const auto found = shard.openSegment({path, std::nullopt, {}, std::nullopt}, isResumed);
  if (!found) {
    CHECK(isRefusal(found.status()));
    return false;
  }
  searchAll(shard);
  // Some existing points, and new ones.
  const Status status = shard.upsert(UsedBatch(kPoints - 20, 50, 1000).batch.columns);
  CHECK(status.isOk() || isRefusal(status));
  const Status indexed = waitForIndex(shard);
  CHECK(indexed.isOk() || isRefusal(indexed));
  CHECK(shard.deletePoints(testIds(1, 7), 1001).isOk());
  searchAll(shard);
  CHECK(shard.createPayloadIndex({"n", PayloadIndexKind::Integer, {}, false}).isOk());
  shard.validate();
  return true;
}

} // namespace

ANSWERS_TEST("segment files with right checksums and wrong contents can be used or are refused") {
  ThreadPool pool(2);
  const ShardSpec spec = usedSpec();
  const std::string path = written(spec, pool);
  REQUIRE(!path.empty());
  const std::string whole = readAll(path);
  const std::vector<Section> sections = sectionsOf(path);
  REQUIRE(!sections.empty());
  const std::string copy = path + ".used";
  const FuzzRounds rounds(kRounds);
  const int used = rounds.run([&](Damage& damage, int round) {
    writeAll(copy, nearly(whole, sections, spec, damage));
    return use(spec, pool, copy, round % 2 == 0);
  });
  ::unlink(copy.c_str());
  std::cerr << "  of " << rounds.count() << " segment files " << used << " were used\n";
  CHECK(rounds.count() < 100 || used > rounds.count() / 10);
}
