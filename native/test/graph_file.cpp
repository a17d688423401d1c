#include "base/file.hpp"
#include "test/graph_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr size_t dim = 16;
constexpr uint32_t rowsInFile = 800;
constexpr GraphConfig config{8, 60, 5};

// A graph's sections in a file, as a segment stores them.
struct Saved {
  std::string path;
  GraphFile place{};
};

Saved save(const GraphSections& sections, const char* name) {
  Saved saved;
  saved.path = scratchFolder() + "/" + name;
  auto writer = FileWriter::create(saved.path).take();
  const auto put = [&](const GraphSection& section) {
    if (!writer.align(pageBytes()).isOk()) std::abort();
    const uint64_t at = writer.position();
    if (!writer.append(section.data, section.bytes).isOk()) std::abort();
    return at;
  };
  saved.place.meta = sections.meta;
  saved.place.level0At = put(sections.level0);
  saved.place.offsetsAt = put(sections.offsets);
  saved.place.upperAt = put(sections.upper);
  if (!writer.finish().isOk()) std::abort();
  return saved;
}

Result<std::unique_ptr<HnswGraph>> load(const Saved& saved, const Space& space, uint32_t capacity) {
  auto file = File::openRead(saved.path).take();
  GraphFile place = saved.place;
  place.descriptor = file.descriptor();
  return HnswGraph::open(space, CodeSpace(), config, capacity, place);
}

struct Fixture : GraphFixture {
  Fixture() : GraphFixture(Metric::L2, dim, 4 * rowsInFile, config) {
    addAndInsert(clusteredRows(rowsInFile, dim, 1, false));
  }
};

} // namespace

SOLO_TEST("a graph opened from a file gives the same answers and goes on growing") {
  Fixture fixture;
  fixture.addRows(clusteredRows(50, dim, 2, false)); // prepared, not inserted: not part of the file
  const Saved saved = save(fixture.graph->sections(), "graph");
  CHECK_EQUAL(saved.place.meta.vertices, rowsInFile);
  auto opened = load(saved, fixture.space, 4 * rowsInFile);
  REQUIRE(opened.isOk());
  HnswGraph& graph = **opened;
  const auto queries = clusteredRows(30, dim, 3, false);
  for (size_t q = 0; q < 30; q++) {
    std::vector<Neighbor> before;
    std::vector<Neighbor> after;
    const FloatScorer scorer{fixture.space, &queries[q * dim]};
    fixture.graph->search(scorer, {30}, AcceptAll(), before);
    graph.search(scorer, {30}, AcceptAll(), after);
    REQUIRE(before.size() == after.size());
    for (size_t i = 0; i < before.size(); i++) CHECK_EQUAL(after[i].vertex, before[i].vertex);
  }
  CHECK(graph.prepare(rowsInFile + 50).isOk());
  for (uint32_t vertex = rowsInFile; vertex < rowsInFile + 50; vertex++) graph.insert(vertex);
  CHECK(graph.validate(rowsInFile + 50).empty());
  auto again = load(saved, fixture.space, rowsInFile); // the file did not change
  REQUIRE(again.isOk());
  CHECK(again.value()->validate(rowsInFile).empty());
}

SOLO_TEST("an older graph with room for twice m is opened and goes on growing") {
  Fixture fixture;
  GraphSections sections = fixture.graph->sections();
  const uint32_t room = sections.meta.m0;
  const uint32_t narrowRoom = 2 * config.m;
  REQUIRE(room > narrowRoom);
  const auto* wide = static_cast<const uint32_t*>(sections.level0.data);
  std::vector<uint32_t> narrow(size_t(rowsInFile) * (1 + narrowRoom));
  uint32_t cut = 0;
  for (uint32_t vertex = 0; vertex < rowsInFile; vertex++) {
    const uint32_t* from = wide + size_t(vertex) * (1 + room);
    uint32_t* to = narrow.data() + size_t(vertex) * (1 + narrowRoom);
    const uint32_t count = std::min(from[0] & 0xfff, narrowRoom);
    cut += count < (from[0] & 0xfff) ? 1 : 0;
    std::copy_n(from + 1, count, to + 1);
    to[0] = (from[0] & ~0xfffu) | count;
  }
  CHECK(cut > 0);
  sections.level0 = {narrow.data(), narrow.size() * sizeof(uint32_t)};
  sections.meta.m0 = narrowRoom;
  auto opened = load(save(sections, "narrow"), fixture.space, 4 * rowsInFile);
  REQUIRE(opened.isOk());
  HnswGraph& graph = **opened;
  CHECK(graph.validate(rowsInFile).empty());
  fixture.addRows(clusteredRows(400, dim, 2, false));
  CHECK(graph.prepare(rowsInFile + 400).isOk());
  for (uint32_t vertex = rowsInFile; vertex < rowsInFile + 400; vertex++) graph.insert(vertex);
  CHECK(graph.validate(rowsInFile + 400).empty());
  CHECK_EQUAL(graph.sections().meta.m0, narrowRoom);
}

SOLO_TEST("an empty graph is written and opened") {
  GraphFixture fixture(Metric::L2, dim, 10, config);
  const Saved saved = save(fixture.graph->sections(), "empty");
  auto opened = load(saved, fixture.space, 10);
  REQUIRE(opened.isOk());
  CHECK(opened.value()->prepare(1).isOk());
}

SOLO_TEST(
    "vertices without a graph are counted, written and opened, and a file with links is refused") {
  constexpr GraphConfig none{0, 60, 5};
  GraphFixture fixture(Metric::L2, dim, 4 * rowsInFile, none);
  fixture.addAndInsert(clusteredRows(rowsInFile, dim, 1, false));
  Saved saved = save(fixture.graph->sections(), "none");
  CHECK_EQUAL(saved.place.meta.m, 0u);
  CHECK_EQUAL(saved.place.meta.vertices, rowsInFile);
  {
    auto opened = load(saved, fixture.space, 4 * rowsInFile);
    REQUIRE(opened.isOk());
    HnswGraph& graph = *opened.value();
    CHECK(graph.prepare(rowsInFile + 1).isOk());
    graph.insert(rowsInFile);
    CHECK_EQUAL(graph.inserted(), rowsInFile + 1);
    CHECK(graph.validate(rowsInFile + 1).empty());
  }
  saved.place.meta.entry = 3;
  CHECK(!load(saved, fixture.space, 4 * rowsInFile).isOk());
  saved.place.meta.entry = HnswGraph::noVertex;
  saved.place.meta.m = 1;
  CHECK(!load(saved, fixture.space, 4 * rowsInFile).isOk());
}

SOLO_TEST("a changed word of a graph file is refused, found by the validator, or harmless; never a "
          "crash") {
  Fixture fixture;
  GraphSections sections = fixture.graph->sections();
  std::vector<uint32_t> words[3];
  const GraphSection* parts[3] = {&sections.level0, &sections.offsets, &sections.upper};
  for (int part = 0; part < 3; part++) {
    const auto* data = static_cast<const uint32_t*>(parts[part]->data);
    words[part].assign(data, data + parts[part]->bytes / 4);
  }
  std::mt19937 random(17);
  int refused = 0;
  int found = 0;
  const int rounds = isSlow() ? 60 : 400;
  for (int round = 0; round < rounds; round++) {
    const int part = int(random() % 3);
    uint32_t& word = words[part][random() % words[part].size()];
    const uint32_t before = word;
    if (round % 3 == 0)
      word ^= 1u << random() % 32;
    else
      word = uint32_t(round % 3 == 1 ? random() : random() % rowsInFile);
    sections.level0.data = words[0].data();
    sections.offsets.data = words[1].data();
    sections.upper.data = words[2].data();
    const Saved saved = save(sections, ("damaged" + std::to_string(round)).c_str());
    auto opened = load(saved, fixture.space, 4 * rowsInFile);
    if (opened.isOk()) {
      std::vector<Neighbor> hits;
      for (uint32_t v = 0; v < 20; v++)
        opened.value()->search(FloatScorer{fixture.space, fixture.rowOf(v)}, {30}, AcceptAll(),
                               hits);
      found += opened.value()->validate(rowsInFile).empty() ? 0 : 1;
    } else {
      CHECK(opened.status().code() == Code::Corrupt);
      refused++;
    }
    word = before;
  }
  CHECK(refused > rounds / 5);
  CHECK(found > 0);
}

SOLO_TEST("a graph description out of bounds is refused") {
  Fixture fixture;
  const Saved saved = save(fixture.graph->sections(), "described");
  const auto isRefused = [&](auto change) {
    Saved changed = saved;
    change(changed.place.meta);
    return load(changed, fixture.space, 4 * rowsInFile).status().code() == Code::Corrupt;
  };
  CHECK(isRefused([](GraphMeta& meta) { meta.m = 0; }));
  CHECK(isRefused([](GraphMeta& meta) { meta.m = 100'000; }));
  CHECK(isRefused([](GraphMeta& meta) { meta.m0 = 2 * meta.m - 1; }));
  CHECK(isRefused([](GraphMeta& meta) { meta.m0 = UINT32_MAX; }));
  CHECK(isRefused([](GraphMeta& meta) { meta.vertices = 5 * rowsInFile; }));
  CHECK(isRefused([](GraphMeta& meta) { meta.entry = rowsInFile; }));
  CHECK(isRefused([](GraphMeta& meta) { meta.entryLevel += 1; }));
  CHECK(isRefused([](GraphMeta& meta) { meta.upperWords = 0; }));
  CHECK(isRefused([](GraphMeta& meta) { meta.upperWords = UINT64_MAX; }));
  CHECK(isRefused([](GraphMeta& meta) { meta.seed += 1; }));
}

SOLO_TEST("tree edges that form no tree, and overlapping upper records, are refused") {
  Fixture fixture;
  GraphSections sections = fixture.graph->sections();
  const auto* level0 = static_cast<const uint32_t*>(sections.level0.data);
  const auto* places = static_cast<const uint32_t*>(sections.offsets.data);
  const std::vector<uint32_t> records(level0, level0 + sections.level0.bytes / 4);
  const std::vector<uint32_t> offsets(places, places + rowsInFile);
  const size_t words = 1 + sections.meta.m0;
  int saves = 0;
  const auto isRefused = [&](auto change) {
    std::vector<uint32_t> changed = records;
    std::vector<uint32_t> moved = offsets;
    change(changed.data(), moved.data());
    sections.level0.data = changed.data();
    sections.offsets.data = moved.data();
    const Saved saved = save(sections, ("trees" + std::to_string(saves++)).c_str());
    const auto opened = load(saved, fixture.space, 4 * rowsInFile);
    return opened.status().code() == Code::Corrupt;
  };
  const auto treeOf = [](const uint32_t* record) { return record[0] >> 12 & 0xfff; };
  const auto setTree = [](uint32_t* record, uint32_t tree) {
    record[0] = (record[0] & 0xfff) | tree << 12;
  };
  CHECK(!isRefused([](uint32_t*, uint32_t*) {}));
  CHECK(isRefused([&](uint32_t* all, uint32_t*) {
    for (uint32_t v = 0; v < rowsInFile; v++) setTree(all + v * words, all[v * words] & 0xfff);
  }));
  const auto parentOf = [&](uint32_t v) { return records[v * words + 1]; };
  uint32_t inner = 0; // the first vertex with two children that is not one of the root pair
  while (treeOf(&records[inner * words]) < 3 || parentOf(parentOf(inner)) == inner) inner++;
  const uint32_t child = records[inner * words + 2];
  CHECK(isRefused([&](uint32_t* all, uint32_t*) { setTree(all + inner * words, 0); }));
  CHECK(isRefused([&](uint32_t* all, uint32_t*) { setTree(all + inner * words, 2); }));
  CHECK(isRefused([&](uint32_t* all, uint32_t*) { all[inner * words + 1] = inner; }));
  CHECK(isRefused([&](uint32_t* all, uint32_t*) { all[inner * words + 3] = child; }));
  CHECK(isRefused([&](uint32_t* all, uint32_t*) {
    std::swap(all[inner * words + 1], all[inner * words + 2]);
  }));
  CHECK(isRefused([&](uint32_t* all, uint32_t*) { all[child * words + 1] = (inner + 1) % 7; }));
  // A cycle that is cut off from the rest: each vertex names the next, and the last names the
  // first.
  CHECK(isRefused([&](uint32_t* all, uint32_t*) {
    const uint32_t grandchild = all[child * words + 2];
    if (treeOf(all + child * words) > 1) {
      all[inner * words + 1] = grandchild;
      all[grandchild * words + 2] = inner;
      setTree(all + grandchild * words, 2);
    } else {
      setTree(all + child * words, 0);
    }
  }));
  uint32_t high = 0;
  while (offsets[high] == 0 || offsets[high] == 1) high++;
  CHECK(isRefused([&](uint32_t*, uint32_t* at) { at[high]--; }));
  CHECK(isRefused([&](uint32_t*, uint32_t* at) { at[high] = 1; }));
}
