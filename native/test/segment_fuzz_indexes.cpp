// Payload index files of every kind, with right checksums and wrong contents. Each is opened beside
// its segment file, asked, extended by writes, written anew by a checkpoint, and closed.
#include <filesystem>
#include <set>

#include "fuzz_rounds.hpp"
#include "index_files.hpp"
#include "program_bytes.hpp"
#include "search/facet.hpp"
#include "search/order_by.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

// With those of segment files, 500 in a run of all tests.
constexpr int kRounds = 100;
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

// Conditions of every kind: most indexes answer some of them.
std::vector<Bytes> conditionsOn(const IndexField& field) {
  const std::vector<std::string> texts = {"", "2020-01-03T00:00:00Z", kTestUuid + std::string("3"),
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
  request.limit = 2 * kFiledPoints;
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
  request.limit = 8 * kFiledPoints;
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

class NearlyIndex : private IndexBytes {
public:
  NearlyIndex(const std::string& whole, Damage& damage) : IndexBytes(whole), damage_(damage) {}

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
    return forged();
  }

private:
  // One that is not empty.
  size_t someArray() {
    for (;;)
      if (const size_t array = damage_.below(kArrays); countOf(array) > 0) return array;
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
  // Changes it to a likely content: a value becomes its neighbour's, a row another one.
  void changeAlike(size_t array) {
    const size_t width = kWidths[array], values = countOf(array);
    const size_t at = begin(array) + damage_.below(values) * width;
    const bool isOfRows = width == 4;
    if (array < IndexBytes::kFlags) {
      if (damage_.below(4) == 0) return changeArray(array);
      const size_t row = damage_.below(std::min<size_t>(kFiledPoints, values * 64));
      char& byte = bytes_[begin(array) + row / 8];
      byte = static_cast<char>(byte ^ (1 << (row % 8)));
    } else if (isOfRows && damage_.below(2) == 0) {
      put(at, uint32_t(damage_.below(kFiledPoints)));
    } else if (at + width < end(array)) {
      if (damage_.below(2) == 0)
        std::memcpy(bytes_.data() + at + width, bytes_.data() + at, width);
      else
        std::memcpy(bytes_.data() + at, bytes_.data() + at + width, width);
    }
  }

  Damage& damage_;
};

// Writes over rows of the file, changed payloads, deleted points, and rows behind the file's.
void write(Shard& shard) {
  CHECK(shard.upsert(IndexedBatch(kFiledPoints - 20, 90, 1000).columns).isOk());
  IndexedBatch changed(17, 9, 1001);
  changed.columns.vectors.clear();
  CHECK(shard.setPayloads(changed.columns).isOk());
  CHECK(shard.deletePoints(testIds(40, 7), 1002).isOk());
}

void use(const IndexedFiles& files, const IndexField& field, ThreadPool& pool, bool writes) {
  ShardSpec spec = testSpec();
  spec.trackChanges = writes;
  Shard shard(spec, pool);
  CHECK(shard.createPayloadIndex(field).isOk());
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
  const IndexedFiles files = writeIndexed(pool);
  REQUIRE(files.wholes.size() == filedFields().size());
  for (const std::string& whole : files.wholes) REQUIRE(whole.size() > kSectionAlignment);
  const FuzzRounds rounds(kRounds);
  const int used = rounds.run([&](Damage& damage, int) {
    const size_t at = damage.below(filedFields().size());
    const IndexField& field = filedFields()[at];
    writeAll(files.paths[at], NearlyIndex(files.wholes[at], damage).make());
    const auto opened = openIndexFile(field, files.segment, kFiledPoints);
    CHECK(opened || isRefusal(opened.status()));
    use(files, field, pool, damage.below(2) == 0);
    writeAll(files.paths[at], files.wholes[at]);
    return bool(opened);
  });
  std::cerr << "  of " << rounds.count() << " payload index files " << used << " were used\n";
  CHECK(rounds.count() < 100 || used > rounds.count() / 10);
}
