#include "graph/hnsw_graph.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "graph/scratch.hpp"

namespace vicinal {

static_assert(std::endian::native == std::endian::little,
              "records are written as they lie in memory");

namespace {

// A level-0 record has room for kRoom × m neighbours. Older graphs have room for twice m.
constexpr uint32_t kRoom = 4;
constexpr uint32_t kLeastRoom = 2;
// An insert surely considers kSurelyLookedAt × m vertices. It then goes on to vertices that are
// nearly as near as the last of these, since farther ones are hardly ever chosen. The factor grows
// with efConstruct. From kReachGrowsFrom vertices on it also grows by the same amount with each
// doubling of the graph. In a large graph more vertices are about equally near, and a narrower walk
// would miss some.
constexpr uint32_t kSurelyLookedAt = 4;
constexpr float kReachPerWidth = 0.00015f;
constexpr float kReachGrowsFrom = 1 << 17;

// The finaliser of SplitMix64: every input bit affects every output bit.
uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// Address space for upper records: several times their expected size, since address space is free.
uint64_t upperCapacity(uint64_t capacity, uint64_t m) {
  const uint64_t above = capacity / (std::max<uint64_t>(m, HnswGraph::leastM) - 1);
  return std::min<uint64_t>(UINT32_MAX, (1 + m) * (8 * above + 1024));
}

} // namespace

HnswGraph::HnswGraph(const Space& space, const CodeSpace& codes, const GraphConfig& config)
    : space_(space), codes_(codes), m_(config.m == 0 ? 0 : std::clamp(config.m, leastM, maxM)),
      m0_(kRoom * m_), efConstruct_(std::max(config.efConstruct, 1u)), seed_(config.seed) {}

float HnswGraph::insertReach(uint32_t efConstruct, uint32_t vertices) {
  const float doublings = std::log2(std::max(1.0f, float(vertices)) / kReachGrowsFrom);
  return 1 + kReachPerWidth * float(efConstruct) * std::max(1.0f, doublings);
}

SearchOptions HnswGraph::insertOptions(uint32_t vertex) const {
  SearchOptions options{efConstruct_};
  if (Stop::suits(space_.metric))
    options.stop = {size_t(kSurelyLookedAt) * m_, insertReach(efConstruct_, vertex),
                    Stop::originOf(space_.metric)};
  return options;
}

Status HnswGraph::reserve(uint32_t capacity, Placement memory) {
  if (capacity > maxVertices)
    return {Code::TooLarge, "a graph of " + std::to_string(capacity) + " vertices, the most is " +
                                std::to_string(maxVertices)};
  auto level0 = RegionArray<uint32_t>::reserve(uint64_t(capacity) * (1 + m0_), Region::Pages::Huge);
  auto offsets = RegionArray<uint32_t>::reserve(capacity);
  auto upper = RegionArray<uint32_t>::reserve(upperCapacity(capacity, m_));
  if (!level0) return level0.status();
  if (!offsets) return offsets.status();
  if (!upper) return upper.status();
  level0_ = level0.take();
  offsets_ = offsets.take();
  upper_ = upper.take();
  level0_.place(memory);
  offsets_.place(memory);
  upper_.place(memory);
  capacity_ = capacity;
  return Status::ok();
}

Result<std::unique_ptr<HnswGraph>> HnswGraph::create(const Space& space, const CodeSpace& codes,
                                                     const GraphConfig& config, uint32_t capacity) {
  std::unique_ptr<HnswGraph> graph(new HnswGraph(space, codes, config));
  VICINAL_TRY(graph->reserve(capacity, config.memory));
  VICINAL_TRY(graph->upper_.grow(graph->upperWords_));
  return graph;
}

Result<std::unique_ptr<HnswGraph>> HnswGraph::open(const Space& space, const CodeSpace& codes,
                                                   const GraphConfig& config, uint32_t capacity,
                                                   const GraphFile& file) {
  const GraphMeta& meta = file.meta;
  if (!isM(meta.m) || meta.m0 < kLeastRoom * meta.m || meta.m0 > kRoom * meta.m ||
      meta.vertices > capacity || meta.upperWords == 0 ||
      meta.upperWords > upperCapacity(capacity, meta.m) || meta.entryLevel > maxLevel)
    return Status(Code::Corrupt, "a graph whose description is out of bounds");
  std::unique_ptr<HnswGraph> graph(
      new HnswGraph(space, codes, {meta.m, config.efConstruct, meta.seed, config.memory}));
  graph->m0_ = meta.m0;
  VICINAL_TRY(graph->reserve(capacity, config.memory));
  VICINAL_TRY(graph->level0_.mapFile(file.descriptor, file.level0At,
                                     uint64_t(meta.vertices) * (1 + graph->m0_)));
  VICINAL_TRY(graph->offsets_.mapFile(file.descriptor, file.offsetsAt, meta.vertices));
  VICINAL_TRY(graph->upper_.mapFile(file.descriptor, file.upperAt, meta.upperWords));
  graph->upperWords_ = meta.upperWords;
  graph->prepared_ = meta.vertices;
  graph->inserted_ = meta.vertices;
  graph->entry_ = uint64_t(meta.entryLevel) << 32 | meta.entry;
  VICINAL_TRY(graph->checkFile());
  return graph;
}

// Level l or above has probability m^-l. Integer arithmetic gives the same levels on every
// platform.
uint32_t HnswGraph::levelOf(uint32_t vertex) const {
  if (m_ == 0) return 0;
  const uint64_t drawn = mix(seed_ ^ mix(vertex));
  uint32_t level = 0;
  for (uint64_t threshold = UINT64_MAX / m_; drawn < threshold && level < maxLevel; threshold /= m_)
    level++;
  return level;
}

std::vector<uint32_t> HnswGraph::neighbours(uint32_t vertex) const {
  const uint32_t* record = level0(vertex);
  std::vector<uint32_t> ids(loadId(record[0]) & countMask);
  for (size_t i = 0; i < ids.size(); i++) ids[i] = loadId(record[1 + i]);
  return ids;
}

Status HnswGraph::prepare(uint32_t vertices) {
  const uint32_t from = prepared();
  if (vertices <= from) return Status::ok();
  if (vertices > capacity_)
    return {Code::TooLarge, "a graph for " + std::to_string(capacity_) + " vertices is full"};
  uint64_t words = upperWords_;
  for (uint32_t vertex = from; vertex < vertices; vertex++)
    words += uint64_t(levelOf(vertex)) * (1 + m_);
  VICINAL_TRY(level0_.grow(uint64_t(vertices) * (1 + m0_)));
  VICINAL_TRY(offsets_.grow(vertices));
  VICINAL_TRY(upper_.grow(words));
  for (uint32_t vertex = from; vertex < vertices; vertex++) {
    const uint32_t level = levelOf(vertex);
    if (level == 0) continue;
    offsets_[vertex] = uint32_t(upperWords_);
    upperWords_ += uint64_t(level) * (1 + m_);
  }
  prepared_.store(vertices, std::memory_order_release);
  return Status::ok();
}

uint64_t HnswGraph::bytes() const {
  const uint64_t vertices = prepared();
  return (vertices * (1 + m0_) + vertices) * sizeof(uint32_t) +
         upperWords_.load(std::memory_order_relaxed) * sizeof(uint32_t);
}

void HnswGraph::tally(const MemoryTally& tally, MemoryPart& part) const {
  tally.add(part, level0_);
  tally.add(part, offsets_);
  tally.add(part, upper_);
}

Result<bool> HnswGraph::leaveTo(const GraphFile& file) {
  const uint32_t vertices = file.meta.vertices;
  if (inserted() != vertices || prepared() != vertices || file.meta.m != m_ || file.meta.m0 != m0_)
    return false;
  VICINAL_TRY(
      level0_.replaceByFile(file.descriptor, file.level0At, uint64_t(vertices) * (1 + m0_)));
  VICINAL_TRY(offsets_.replaceByFile(file.descriptor, file.offsetsAt, vertices));
  VICINAL_TRY(upper_.replaceByFile(file.descriptor, file.upperAt, file.meta.upperWords));
  return true;
}

void HnswGraph::shed() {
  level0_.shed();
  offsets_.shed();
  upper_.shed();
}

GraphSections HnswGraph::sections() const {
  const uint32_t vertices = inserted();
  uint64_t upperWords = upperWords_;
  // Vertices that are prepared but not inserted have empty records at the end; these are left out.
  for (uint32_t vertex = vertices; vertex < prepared(); vertex++)
    upperWords -= uint64_t(levelOf(vertex)) * (1 + m_);
  const uint64_t entry = entry_.load(std::memory_order_acquire);
  return {
      {m_, m0_, vertices, uint32_t(entry), uint32_t(entry >> 32), upperWords, seed_},
      {level0_.data(), size_t(vertices) * (1 + m0_) * sizeof(uint32_t)},
      {offsets_.data(), vertices * sizeof(uint32_t)},
      {upper_.data(), upperWords * sizeof(uint32_t)},
  };
}

} // namespace vicinal
