// Filters as long as a request allows: their cost is bounded, and they stop when cancelled.
#include <chrono>
#include <ctime>
#include <set>

#include "filter/alike_conditions.hpp"
#include "filter/value_set.hpp"
#include "test/filter_fixture.hpp"
#include "test/program_bytes.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

using Clock = CancelFlag::Clock;
constexpr auto kAllowed = std::chrono::milliseconds(5);
// An order of magnitude less than any of these filters would take.
constexpr double kSoonSeconds = 1.5;

// CPU time of the process: its other threads rest, and a busy machine may hold it up for seconds.
double cpuSeconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

FilterNode negated(FilterNode node) { return join(FilterOp::Not, {std::move(node)}); }

FilterNode textIn(const char* path, FilterOp op, std::string text) {
  FilterNode node = leaf(op, path);
  node.values.texts = {std::move(text)};
  return node;
}

// None of the conditions holds for any row.
FilterNode none(size_t count, const std::function<FilterNode(size_t)>& condition) {
  std::vector<FilterNode> conditions;
  for (size_t at = 0; at < count; at++) conditions.push_back(negated(condition(at)));
  return join(FilterOp::All, std::move(conditions));
}

void fill(MemoryRows& rows, uint32_t count) {
  std::string long_;
  for (int word = 0; word < 2000; word++) long_ += "word" + std::to_string(word) + " ";
  for (uint32_t row = 0; row < count; row++)
    rows.append("{\"a\":" + std::to_string(row) + ",\"text\":\"" + long_ +
                "\",\"g\":{\"lon\":0.5,\"lat\":0.5},\"list\":[{\"b\":1},{\"b\":2},{\"b\":3}]}");
}

GeoArea::Ring ringOf(size_t points) {
  GeoArea::Ring ring;
  // Teeth all around the rows' position, so that every edge is looked at.
  for (size_t at = 0; at < points; at++) ring.push_back({at % 2 == 0 ? 0.0 : 1.0, at % 3 * 0.5});
  ring.push_back(ring.front());
  return ring;
}

void checkStops(const FilterNode& filter, uint32_t count, const PayloadIndexes& indexes = {},
                Clock::duration allowed = kAllowed) {
  const CancelFlag outOfTime(Clock::now() + allowed);
  MemoryRows rows(&outOfTime);
  fill(rows, count);
  const double started = cpuSeconds();
  FilterPlan plan = planFilter(filter, rows, indexes);
  CHECK(plan.resolve(rows).code() == Code::Cancelled);
  CHECK_AT_LEAST(kSoonSeconds, cpuSeconds() - started);
}

} // namespace

SOLO_TEST("a filter of many conditions of any kind stops when it is cancelled") {
  checkStops(none(20'000, [](size_t) { return leaf(FilterOp::IsNull, "absent"); }), 500);
  checkStops(none(20'000,
                  [](size_t at) {
                    FilterNode node = leaf(FilterOp::Nested, "list");
                    node.children.push_back(textIn("b", FilterOp::Match, "u" + std::to_string(at)));
                    return node;
                  }),
             500);
  checkStops(none(2'000,
                  [](size_t at) {
                    return textIn("text", FilterOp::Contains, "absent" + std::to_string(at));
                  }),
             500);
  checkStops(none(2'000,
                  [](size_t at) {
                    FilterNode node = leaf(FilterOp::HasTokens, "text");
                    node.text = std::make_shared<TextQuery>(TextOptions{}, TextMode::Phrase,
                                                            "absent " + std::to_string(at));
                    return node;
                  }),
             500);
}

SOLO_TEST("conditions that do not look at the payload stop when they are told to") {
  FilterNode hasVector;
  hasVector.op = FilterOp::HasVector;
  // No row has it, and those that follow are asked of each row all the same.
  const auto repeated = [](FilterNode node) { return none(200'000, [&](size_t) { return node; }); };
  hasVector.vector = 1'000'000;
  checkStops(repeated(hasVector), 500);
  // All of it takes some 30 ms, so that its time is over from the beginning.
  checkStops(repeated(join(FilterOp::Any, {})), 500, {}, {});
  // Elements have no ids: nothing is looked up.
  FilterNode ofElements = leaf(FilterOp::Nested, "list");
  FilterNode hasId;
  hasId.op = FilterOp::HasId;
  ofElements.children.push_back(repeated(hasId));
  checkStops(negated(join(FilterOp::Not, {ofElements})), 500);
}

SOLO_TEST("one condition stops when it is told to, however long its list") {
  FilterNode polygon = leaf(FilterOp::InArea, "g");
  polygon.area = std::make_shared<GeoArea>(GeoArea::ofPolygon({ringOf(400'000)}));
  // All of it takes some 3 ms.
  checkStops(negated(polygon), 2'000, {}, {});
  FilterNode texts = leaf(FilterOp::Contains, "text");
  for (int at = 0; at < 200'000; at++) texts.values.texts.push_back("absent" + std::to_string(at));
  checkStops(negated(texts), 100);
}

SOLO_TEST("analyzing a long text stops when it is cancelled, and the text is cut between words") {
  FilterNode phrase = leaf(FilterOp::HasTokens, "text");
  phrase.text = std::make_shared<TextQuery>(TextOptions{}, TextMode::Phrase, "the end");
  std::string text;
  while (text.size() < 40'000'000) text += "some words that a phrase is sought in ";
  const std::string payload = "{\"text\":\"" + text + "the end\"}";
  CHECK(holds(phrase, payload.substr(0, 10) + payload.substr(payload.size() - 300'000)));
  const CancelFlag outOfTime(Clock::now() + kAllowed);
  MemoryRows rows(&outOfTime);
  rows.append(payload);
  const double started = cpuSeconds();
  matches(phrase, rows, 0);
  CHECK(rows.work().isStopped());
  CHECK_AT_LEAST(kSoonSeconds, cpuSeconds() - started);
}

SOLO_TEST("planning by an index stops when it is cancelled, and its partial answer is not cached") {
  MemoryRows some;
  for (uint32_t row = 0; row < 50'000; row++)
    some.append("{\"a\":\"" + std::to_string(row) + "\"}");
  const auto index = PayloadIndex::create("a", PayloadIndexKind::Keyword).take();
  index->build([&](uint32_t row) { return some.payload(row); }, 0, some.rows());
  FilterNode any = leaf(FilterOp::Match, "a");
  for (uint32_t row = 0; row < 50'000; row++) any.values.texts.push_back(std::to_string(row));
  std::sort(any.values.texts.begin(), any.values.texts.end());
  CancelFlag cancel;
  cancel.cancel();
  WorkMeter stopped(&cancel), work;
  (void)index->answer(any, some.rows(), stopped);
  CHECK(stopped.isStopped());
  CHECK_EQUAL(index->answer(any, some.rows(), work)->sureCount, 50'000u);
}

SOLO_TEST("decoding a program stops when it is cancelled") {
  Bytes bytes;
  bytes.op(FilterOp::Match).path().put<uint32_t>(0).put<uint32_t>(2'000'000);
  for (int64_t at = 0; at < 2'000'000; at++) bytes.put(at * 7919 % 2'000'003);
  bytes.put<uint8_t>(0);
  const CancelFlag outOfTime(Clock::now());
  WorkMeter work(&outOfTime);
  const auto program = FilterProgram::decode(bytes.bytes.data(), bytes.bytes.size(), 1, {}, work);
  CHECK(program.status().code() == Code::Cancelled);
  CHECK(bytes.decode().isOk());
}

SOLO_TEST("a list of any length becomes a set") {
  RandomFilters random(testSeed());
  for (const size_t count : {0, 1, 2, 4095, 4096, 4097, 8192, 12'289, 40'000}) {
    std::vector<int64_t> values;
    for (size_t at = 0; at < count; at++)
      values.push_back(static_cast<int64_t>(random.below(count * 2)));
    const std::set<int64_t> expected(values.begin(), values.end());
    WorkMeter work;
    CHECK(makeSet(values, work));
    CHECK(values == std::vector<int64_t>(expected.begin(), expected.end()));
  }
}

SOLO_TEST("joined conditions match the same rows as single ones") {
  RandomFilters random(testSeed());
  size_t joined = 0, held = 0;
  const int rounds = isSlow() ? 300 : 1500;
  for (int round = 0; round < rounds; round++) {
    std::vector<FilterNode> conditions;
    for (size_t at = 0; at < 16 + random.below(20); at++) conditions.push_back(random.condition());
    const FilterNode any = join(FilterOp::Any, conditions);
    FilterNode joinedAny = any;
    FilterNode none = join(FilterOp::All, {});
    for (const FilterNode& condition : conditions) none.children.push_back(negated(condition));
    FilterNode joinedNone = none;
    WorkMeter work;
    CHECK(joinAlike(joinedAny.children, false, work));
    CHECK(joinAlike(joinedNone.children, true, work));
    CHECK_EQUAL(joinedAny.children.size(), joinedNone.children.size());
    joined += conditions.size() - joinedAny.children.size();
    MemoryRows rows;
    for (int row = 0; row < 20; row++) rows.append(random.payload());
    for (uint32_t row = 0; row < rows.rows(); row++) {
      const bool holds = matches(any, rows, row);
      held += holds ? 1 : 0;
      CHECK(matches(joinedAny, rows, row) == holds);
      CHECK(matches(none, rows, row) == !holds);
      CHECK(matches(joinedNone, rows, row) == !holds);
    }
  }
  CHECK(joined > size_t(rounds));
  CHECK(held > size_t(rounds));
}

SOLO_TEST("many conditions on the elements of one array look at each element once") {
  FilterNode filter = none(20'000, [](size_t at) {
    FilterNode node = leaf(FilterOp::Nested, "list");
    node.children.push_back(textIn("b", FilterOp::Match, "u" + std::to_string(at)));
    return node;
  });
  WorkMeter work;
  CHECK(joinAlike(filter.children, true, work));
  REQUIRE(filter.children.size() == 1);
  const FilterNode& nested = filter.children[0].children[0];
  REQUIRE(nested.op == FilterOp::Nested && nested.children.size() == 1);
  REQUIRE(nested.children[0].children.size() == 1);
  CHECK_EQUAL(nested.children[0].children[0].values.texts.size(), 20'000u);
}
