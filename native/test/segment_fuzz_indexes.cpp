// Payload index files of every kind that are nearly right and whose checksums are. Each is opened
// beside its segment file, asked, extended by writes, written anew by a checkpoint, and closed.
#include <filesystem>
#include <set>

#include "fuzz_rounds.hpp"
#include "program_bytes.hpp"
#include "search/facet.hpp"
#include "search/order_by.hpp"
#include "segment/index_file.hpp"
#include "shard_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr uint32_t kPoints = 150;
// With those of segment files, 500 in a run of all tests.
constexpr int kRounds = 100;
constexpr const char* kUuid = "0191a0b2-7c4d-4e11-9f00-01234567890";

const std::vector<IndexField>& fields() {
  using enum PayloadIndexKind;
  static const std::vector<IndexField> all = {
      {"word", Keyword, {}, true}, {"n", Integer, {}, true},   {"x", Float, {}, true},
      {"flag", Bool, {}, true},    {"at", DateTime, {}, true}, {"key", Uuid, {}, true},
      {"place", Geo, {}, true},    {"text", Text, {}, true}};
  return all;
}

std::string payloadOf(uint64_t id) {
  const std::string n = std::to_string(id % 7), m = std::to_string(id % 10);
  const auto object = [](const std::vector<std::string>& values) {
    std::string text;
    for (size_t at = 0; at < fields().size(); at++)
      text += (at == 0 ? "{\"" : ",\"") + fields()[at].field + "\":" + values[at];
    return text + "}";
  };
  const std::string place = "{\"lon\":" + n + ",\"lat\":-" + m + "}";
  const std::string at = "\"2020-01-0" + std::to_string(1 + id % 9) + "T00:00:00Z\"";
  const std::string word = "\"red " + n + "\"", key = "\"" + (kUuid + m) + "\"";
  const char* const flag = id % 2 == 0 ? "true" : "false";
  switch (id % 17) {
  case 0: return "{}";
  case 1: return object(std::vector<std::string>(fields().size(), "null"));
  case 2: return object(std::vector<std::string>(fields().size(), "[7,\"7\",null,7]"));
  case 3:
    return object({"[" + word + ",\"\"]", "[" + n + ",-" + m + "]", "[" + n + ".5,1]",
                   "[true,false]", "[" + at + "]", "[" + key + "]", "[" + place + "]",
                   "[\"house " + m + "\",\"red\"]"});
  default:
    return object({word, n, n + ".25", flag, at, key, place, "\"red house " + m + " " + n + "\""});
  }
}

struct IndexedBatch : TestBatch {
  IndexedBatch(uint64_t from, uint32_t count, uint64_t seq) : TestBatch(from, count, seq) {
    texts.clear();
    offsets = {0};
    for (uint32_t at = 0; at < count; at++) {
      texts += payloadOf(from + at);
      offsets.push_back(uint32_t(texts.size()));
    }
    columns.payloadBytes = texts.data();
    columns.payloadOffsets = offsets.data();
  }
};

Bytes leaf(FilterOp op, const IndexField& field) {
  return Bytes{}.op(op).put<uint8_t>(1).put<uint8_t>(0).text(field.field);
}

Bytes values(FilterOp op, const IndexField& field, const std::vector<std::string>& texts,
             const std::vector<int64_t>& integers, uint8_t bools = 0) {
  Bytes bytes = leaf(op, field).put(uint32_t(texts.size()));
  for (const std::string& text : texts) bytes.text(text);
  bytes.put(uint32_t(integers.size()));
  for (const int64_t integer : integers) bytes.put(integer);
  return bytes.put(bools);
}

// Of at least the one, and less than the other.
template <typename T> Bytes range(FilterOp op, const IndexField& field, T from, T to) {
  return leaf(op, field).put<uint8_t>(1 | 8).put(to).put(from);
}

Bytes area(const IndexField& field, GeoArea::Shape shape, const std::vector<double>& numbers) {
  Bytes bytes = leaf(FilterOp::InArea, field).put(static_cast<uint8_t>(shape));
  for (const double number : numbers) bytes.put(number);
  return bytes;
}

// What an index of its kind may be asked.
std::vector<Bytes> conditionsOn(const IndexField& field) {
  const std::vector<std::string> texts = {"", "2020-01-03T00:00:00Z", kUuid + std::string("3"),
                                          "red 1", "red 3"};
  constexpr int64_t day = int64_t(86'400) * 1'000'000, year2020 = 18'262 * day;
  std::vector<Bytes> all;
  for (const FilterOp op : {FilterOp::IsEmpty, FilterOp::IsNull, FilterOp::HasNull})
    all.push_back(leaf(op, field));
  for (const FilterOp op : {FilterOp::Match, FilterOp::Except}) {
    all.push_back(values(op, field, texts, {}));
    all.push_back(values(op, field, {}, {1, 7}, 2));
  }
  for (const double to : {2.0, 1e9}) {
    all.push_back(range(FilterOp::NumberRange, field, 1.0, to));
    all.push_back(
        range(FilterOp::DateTimeRange, field, year2020 + day, year2020 + int64_t(to) * 2 * day));
  }
  all.push_back(leaf(FilterOp::StartsWith, field).put<uint32_t>(1).text("red"));
  all.push_back(area(field, GeoArea::Shape::Box, {1, -1, 4, -5}));
  all.push_back(area(field, GeoArea::Shape::Circle, {2, -2, 300'000}));
  for (uint8_t mode = 0; mode < 3; mode++)
    all.push_back(leaf(FilterOp::HasTokens, field).put(mode).text("red house 3"));
  return all;
}

// No value is of another type than the field's, and a text is counted as often as it is matched.
void checkFacet(const Shard& shard, const IndexField& field, uint64_t points) {
  FacetRequest request;
  request.field = field.field;
  request.limit = 2 * kPoints;
  FacetResult result;
  const Status status = facet(shard.snapshot(), 2, request, nullptr, result);
  if (!status) {
    CHECK(status.code() == Code::InvalidArgument);
    return;
  }
  const bool isOfTexts =
      field.kind == PayloadIndexKind::Keyword || field.kind == PayloadIndexKind::Uuid;
  CHECK(!isOfTexts || result.integers.empty());
  CHECK(isOfTexts || result.texts.empty());
  for (size_t at = 0; at < result.counts.size(); at++) {
    CHECK(result.counts[at] <= double(points));
    if (!isOfTexts || result.offsets.empty()) continue;
    const std::string text(result.texts.data() + result.offsets[at],
                           result.texts.data() + result.offsets[at + 1]);
    const auto matching =
        count(shard.snapshot(), 2, values(FilterOp::Match, field, {text}, {}).bytes, nullptr);
    CHECK(matching && double(*matching) == result.counts[at]);
  }
}

// No point is there twice with one value.
void checkOrder(const Shard& shard, const IndexField& field, bool isDescending) {
  OrderRequest request;
  request.field = field.field;
  request.isDescending = isDescending;
  request.limit = 8 * kPoints;
  OrderResult result;
  const Status status = orderBy(shard.snapshot(), shard.spec().vectors, request, nullptr, result);
  if (!status) {
    CHECK(status.code() == Code::InvalidArgument);
    return;
  }
  std::set<std::pair<uint32_t, double>> found;
  for (uint32_t at = 0; at < result.rows.count; at++) {
    const double value = result.isOfNumbers ? result.numbers[at] : double(result.integers[at]);
    CHECK(found.emplace(result.rows.ids[at * kIdWords + 1], value).second);
  }
}

void askAll(const Shard& shard, const IndexField& field) {
  const uint64_t points = pointsOf(shard);
  for (const Bytes& condition : conditionsOn(field)) {
    for (const bool isNegated : {false, true}) {
      std::vector<uint8_t> filter;
      if (isNegated) filter.push_back(static_cast<uint8_t>(FilterOp::Not));
      filter.insert(filter.end(), condition.bytes.begin(), condition.bytes.end());
      const auto matching = count(shard.snapshot(), 2, filter, nullptr);
      CHECK(matching && *matching <= points);
      SearchRequest request = testSearch(1);
      request.filter = filter;
      SearchResult result;
      CHECK(search(shard.snapshot(), shard.spec().vectors, request, nullptr, result).isOk());
      CHECK(result.rows.count <= request.limit);
    }
  }
  checkFacet(shard, field, points);
  checkOrder(shard, field, false);
  checkOrder(shard, field, true);
}

// A segment file, and an index file of each kind beside it.
struct Written {
  FileStamp segment;
  // By field.
  std::vector<std::string> paths;
  std::vector<std::string> wholes;
};

Written written(ThreadPool& pool) {
  Shard shard(testSpec(), pool);
  for (const IndexField& field : fields()) CHECK(shard.createPayloadIndex(field).isOk());
  if (!shard.upsert(IndexedBatch(0, kPoints, 1).columns) || !waitForIndex(shard)) return {};
  const auto files = shard.checkpoint(scratchFolder());
  if (!files) return {};
  Written written{files->segments[0].base, {}, {}};
  for (const IndexField& field : fields()) {
    written.paths.push_back(indexPath(written.segment.path, field));
    written.wholes.push_back(readAll(written.paths.back()));
  }
  return written;
}

// The directory of an index file, as docs/data-format.md has it.
constexpr size_t kFlags = 7, kArrays = 15, kFlagCountsAt = 24, kArraysAt = 56, kArrayBytes = 16;
constexpr size_t kWidths[kArrays] = {8, 8, 8, 8, 8, 8, 8, 8, 1, 8, 4, 8, 4, 8, 4};
// Behind integers and numbers come their rows.
constexpr size_t kTextAt = 7, kRows = 10, kIntegers = 11, kNumbers = 13;

class NearlyIndex {
public:
  NearlyIndex(const std::string& whole, Damage& damage) : bytes_(whole), damage_(damage) {}

  std::string make() {
    switch (damage_.below(8)) {
    case 0: damage_.change(bytes_, directoryAt(), field<uint64_t>(bytes_, 40)); break;
    case 1: giveArray(damage_.below(kArrays), someArray(), 0); break;
    case 2: giveForeign(); break;
    case 3: changeArray(someArray()); break;
    default:
      for (size_t changes = 1 + damage_.below(3); changes > 0; changes--) changeAlike(someArray());
    }
    if (damage_.below(8) != 0) countFlags();
    forge(bytes_);
    return std::move(bytes_);
  }

private:
  uint64_t directoryAt() const { return field<uint64_t>(bytes_, 24); }
  uint64_t sectionAt() const { return field<uint64_t>(bytes_, directoryAt() + 8); }
  uint64_t offsetOf(size_t array) const {
    return field<uint64_t>(bytes_, directoryAt() + kArraysAt + array * kArrayBytes);
  }
  uint64_t countOf(size_t array) const {
    return field<uint64_t>(bytes_, directoryAt() + kArraysAt + array * kArrayBytes + 8);
  }
  // Where it is in the file.
  size_t begin(size_t array) const { return sectionAt() + offsetOf(array); }
  size_t end(size_t array) const { return begin(array) + countOf(array) * kWidths[array]; }

  template <typename T> void put(size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  // One that is not empty.
  size_t someArray() {
    for (;;)
      if (const size_t array = damage_.below(kArrays); countOf(array) > 0) return array;
  }
  // Its values are those of the other, or the first of them.
  void giveArray(size_t array, size_t from, uint64_t count) {
    const size_t at = directoryAt() + kArraysAt + array * kArrayBytes;
    const uint64_t offset = offsetOf(from), all = countOf(from);
    put(at, offset);
    put(at + 8, count > 0 ? count : all);
  }
  // Values of a type that the index may not have.
  void giveForeign() {
    const size_t array = damage_.below(2) == 0 ? kIntegers : kNumbers;
    const uint64_t most = 1 + damage_.below(4);
    const size_t values = damage_.below(2) == 0 ? kTextAt : someArray();
    const size_t rows = countOf(kRows) > 0 ? kRows : someArray();
    giveArray(array, values, most);
    giveArray(array + 1, rows, most);
  }
  void changeArray(size_t array) {
    if (damage_.below(4) == 0)
      std::fill(bytes_.begin() + ptrdiff_t(begin(array)), bytes_.begin() + ptrdiff_t(end(array)),
                damage_.below(2) == 0 ? '\0' : '\xff');
    else
      damage_.change(bytes_, begin(array), end(array));
  }
  // So that it looks like what it was: a value is that of its neighbour, a row is another one.
  void changeAlike(size_t array) {
    const size_t width = kWidths[array], values = countOf(array);
    const size_t at = begin(array) + damage_.below(values) * width;
    const bool isOfRows = width == 4;
    if (array < kFlags) {
      if (damage_.below(4) == 0) return changeArray(array);
      const size_t row = damage_.below(std::min<size_t>(kPoints, values * 64));
      char& byte = bytes_[begin(array) + row / 8];
      byte = static_cast<char>(byte ^ (1 << (row % 8)));
    } else if (isOfRows && damage_.below(2) == 0) {
      put(at, uint32_t(damage_.below(kPoints)));
    } else if (at + width < end(array)) {
      if (damage_.below(2) == 0)
        std::memcpy(bytes_.data() + at + width, bytes_.data() + at, width);
      else
        std::memcpy(bytes_.data() + at, bytes_.data() + at + width, width);
    }
  }
  // The directory counts what is set.
  void countFlags() {
    for (size_t flag = 0; flag < kFlags; flag++) {
      if (std::max(sectionAt(), offsetOf(flag)) > bytes_.size() || countOf(flag) > kPoints ||
          end(flag) > directoryAt())
        continue;
      uint32_t set = 0;
      for (size_t at = begin(flag); at < end(flag); at++)
        set += uint32_t(std::popcount(static_cast<unsigned char>(bytes_[at])));
      put(directoryAt() + kFlagCountsAt + flag * sizeof set, set);
    }
  }

  std::string bytes_;
  Damage& damage_;
};

// What was written since, in place and behind.
void write(Shard& shard) {
  CHECK(shard.upsert(IndexedBatch(kPoints - 20, 90, 1000).columns).isOk());
  IndexedBatch changed(17, 9, 1001);
  changed.columns.vectors.clear();
  CHECK(shard.setPayloads(changed.columns).isOk());
  CHECK(shard.deletePoints(testIds(40, 7), 1002).isOk());
}

void use(const Written& files, const IndexField& field, ThreadPool& pool, bool writes) {
  ShardSpec spec = testSpec();
  spec.trackChanges = writes;
  Shard shard(spec, pool);
  for (const IndexField& each : fields()) CHECK(shard.createPayloadIndex(each).isOk());
  REQUIRE(shard.openSegment({files.segment.path, std::nullopt, {}, std::nullopt}, true));
  askAll(shard, field);
  if (!writes) return;
  write(shard);
  askAll(shard, field);
  const std::string folder = scratchFolder() + "/again";
  std::filesystem::create_directory(folder);
  CHECK(shard.checkpoint(folder));
  askAll(shard, field);
  shard.validate();
  std::filesystem::remove_all(folder);
}

} // namespace

ANSWERS_TEST("payload index files with right checksums and wrong contents are used or refused") {
  ThreadPool pool(2);
  const Written files = written(pool);
  REQUIRE(files.wholes.size() == fields().size());
  for (const std::string& whole : files.wholes) REQUIRE(whole.size() > kSectionAlignment);
  const FuzzRounds rounds(kRounds);
  const int used = rounds.run([&](Damage& damage, int) {
    const size_t at = damage.below(fields().size());
    const IndexField& field = fields()[at];
    writeAll(files.paths[at], NearlyIndex(files.wholes[at], damage).make());
    const auto opened = openIndexFile(field, files.segment, kPoints);
    CHECK(opened || isRefusal(opened.status()));
    use(files, field, pool, damage.below(2) == 0);
    writeAll(files.paths[at], files.wholes[at]);
    return bool(opened);
  });
  std::cerr << "  of " << rounds.count() << " payload index files " << used << " were used\n";
  CHECK(rounds.count() < 100 || used > rounds.count() / 10);
}
