// Indexes and plans return exactly the rows that the evaluator accepts.
#include <set>
#include <thread>

#include "test/filter_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr PayloadIndexKind kKinds[] = {PayloadIndexKind::Keyword,  PayloadIndexKind::Integer,
                                       PayloadIndexKind::Float,    PayloadIndexKind::Bool,
                                       PayloadIndexKind::DateTime, PayloadIndexKind::Uuid,
                                       PayloadIndexKind::Geo,      PayloadIndexKind::Text};

std::shared_ptr<PayloadIndex> makeIndex(const char* field, PayloadIndexKind kind) {
  return PayloadIndex::create(field, kind).take();
}

void buildTo(PayloadIndex& index, const MemoryRows& rows, uint32_t to) {
  index.build([&](uint32_t row) { return std::string_view(rows.appended[row]); }, index.covered(),
              to);
}

// Adds rows in chunks of random size, like a segment.
void buildInChunks(PayloadIndex& index, const MemoryRows& rows, RandomFilters& random,
                   uint32_t to) {
  while (index.covered() < to) {
    const uint32_t left = to - index.covered();
    buildTo(index, rows,
            index.covered() + 1 + static_cast<uint32_t>(random.below(std::min(left, 200u))));
  }
}

std::vector<uint32_t> listOf(const RowBitmap& rows) {
  std::vector<uint32_t> list;
  rows.forEach([&](uint32_t row) { list.push_back(row); });
  return list;
}

std::vector<uint32_t> evaluated(const FilterNode& node, const RowSource& rows) {
  std::vector<uint32_t> list;
  for (uint32_t row = 0; row < rows.rows(); row++)
    if (matches(node, rows, row)) list.push_back(row);
  return list;
}

std::vector<uint32_t> planned(const FilterNode& node, const RowSource& rows,
                              const PayloadIndexes& indexes, const PlanOptions& options) {
  FilterPlan plan = planFilter(node, rows, indexes, options);
  std::vector<uint32_t> passing;
  for (uint32_t row = 0; row < rows.rows(); row++)
    if (plan.passes(rows, row)) passing.push_back(row);
  CHECK(passing.size() <= plan.cardinality().max);
  CHECK(passing.size() >= plan.cardinality().min);
  CHECK(plan.resolve(rows).isOk());
  CHECK(plan.isComplete());
  const std::vector<uint32_t> resolved = plan.candidates() != nullptr
                                             ? listOf(*plan.candidates())
                                             : listOf(RowBitmap::all(rows.rows()));
  CHECK(resolved == passing);
  return passing;
}

// An index counts as checked once it has answered this many conditions.
constexpr int kLeastAnswered = 6;

// Returns how many conditions the index answered. Asks more conditions if chance gave too few.
int checkIndex(const MemoryRows& rows, const char* field, PayloadIndexKind kind,
               RandomFilters& random) {
  const auto index = makeIndex(field, kind);
  const uint32_t covered = rows.rows() - 10;
  buildInChunks(*index, rows, random, covered);
  int answered = 0;
  const int rounds = isSlow() ? 60 : 300;
  for (int round = 0; round < rounds || (answered < kLeastAnswered && round < 10 * rounds);
       round++) {
    FilterNode node = random.condition();
    node.path = index->path();
    uint32_t estimate = 0;
    const bool isLeaf =
        node.op != FilterOp::Nested && node.op != FilterOp::HasId && node.op != FilterOp::HasVector;
    if (!isLeaf || !index->canAnswer(node, rows.rows(), estimate, rows.work())) continue;
    answered++;
    const IndexAnswer answer = *index->answer(node, rows.rows(), rows.work());
    CHECK_EQUAL(answer.covered, covered);
    CHECK(answer.sure.count() <= estimate);
    CHECK(!answer.sure.contains(covered) && !answer.unsure.contains(covered));
    for (uint32_t row = 0; row < covered; row++) {
      const bool isMatch = matches(node, rows, row);
      const bool isFound = answer.sure.contains(row) || (answer.unsure.contains(row) && isMatch);
      if (isFound == isMatch) continue;
      fail(__FILE__, __LINE__,
           std::string(field) + " kind " + std::to_string(int(kind)) + " op " +
               std::to_string(int(node.op)) + ": " + rows.appended[row]);
      return answered;
    }
  }
  return answered;
}

} // namespace

SOLO_TEST("every kind of index answers every condition as the evaluator does") {
  RandomFilters random(testSeed());
  MemoryRows mixed, single, sparse;
  for (int row = 0; row < 3000; row++) {
    mixed.append(random.payload());
    // One index with single values, and one with few values at all.
    single.append("{\"a\":" + random.scalar() + "}");
    sparse.append(row % 150 == 0 ? "{\"a\":" + random.value() + "}" : "{}");
  }
  for (const PayloadIndexKind kind : kKinds) {
    for (const char* field : {"a", "a[]", "a.b", "list[].b"})
      CHECK(checkIndex(mixed, field, kind, random) >= kLeastAnswered);
    CHECK(checkIndex(single, "a", kind, random) >= kLeastAnswered);
    CHECK(checkIndex(sparse, "a", kind, random) >= kLeastAnswered);
  }
}

SOLO_TEST("plans find the evaluator's rows, with overlays, unindexed rows and any set of indexes") {
  RandomFilters random(testSeed() + 1);
  for (int round = 0; round < (isSlow() ? 8 : 40); round++) {
    MemoryRows rows;
    rows.canLocate = random.below(2) == 0;
    const uint32_t count = static_cast<uint32_t>(random.below(2000)) + 1;
    for (uint32_t row = 0; row < count; row++) rows.append(random.payload());
    PayloadIndexes indexes;
    for (const char* field : {"a", "a[]", "a.b", "list[].b"}) {
      if (random.below(4) == 0) continue;
      auto index = makeIndex(field, kKinds[random.below(std::size(kKinds))]);
      buildInChunks(*index, rows, random,
                    count - static_cast<uint32_t>(random.below(std::min(count, 50u))));
      indexes.push_back(index);
      if (random.below(3) == 0) {
        auto second = makeIndex(field, PayloadIndexKind::Keyword);
        buildTo(*second, rows, count / 2);
        indexes.push_back(second);
      }
    }
    for (uint32_t row = 0; row < count; row++)
      if (random.below(10) == 0) rows.overlays[row] = random.payload();
    for (int filters = 0; filters < 30; filters++) {
      const FilterNode node = random.filter();
      PlanOptions options;
      if (random.below(3) == 0) options.maxCollected = static_cast<uint32_t>(random.below(500));
      const auto expected = evaluated(node, rows);
      const auto found = planned(node, rows, indexes, options);
      if (found != expected) fail(__FILE__, __LINE__, "round " + std::to_string(round));
    }
  }
}

SOLO_TEST("a plan for a selective condition takes its candidates from the index and is complete") {
  MemoryRows rows;
  for (int row = 0; row < 5000; row++)
    rows.append("{\"a\":" + std::to_string(row) + ",\"b\":\"" + std::to_string(row % 10) + "\"}");
  const auto numbers = makeIndex("a", PayloadIndexKind::Integer),
             texts = makeIndex("b", PayloadIndexKind::Keyword);
  buildTo(*numbers, rows, 5000);
  buildTo(*texts, rows, 5000);
  FilterNode range = leaf(FilterOp::NumberRange, "a"), text = leaf(FilterOp::Match, "b"),
             other = leaf(FilterOp::Match, "c");
  range.numbers.limitBelow(100, false);
  range.numbers.limitAbove(200, true);
  text.values.texts = {"3"};
  const FilterPlan both = planFilter(join(FilterOp::All, {text, range}), rows, {numbers, texts});
  CHECK(both.isComplete());
  REQUIRE(both.candidates() != nullptr);
  CHECK_EQUAL(both.candidates()->count(), 10u);
  CHECK_EQUAL(both.cardinality().expected, 10u);
  const FilterPlan partial =
      planFilter(join(FilterOp::All, {range, other}), rows, {numbers, texts});
  CHECK(!partial.isComplete());
  REQUIRE(partial.candidates() != nullptr);
  CHECK_EQUAL(partial.candidates()->count(), 100u);
  CHECK_EQUAL(partial.cardinality().max, 100u);
  const FilterPlan either = planFilter(join(FilterOp::Any, {range, other}), rows, {numbers, texts});
  CHECK(either.candidates() == nullptr);
  CHECK(!planFilter(range, rows, {numbers}, {.maxCollected = 50}).isComplete());
  CHECK_EQUAL(numbers->points(), 5000u);
  CHECK(numbers->bytes() > 5000 * 12 && numbers->bytes() < 5000 * 40);
}

TEST("readers get whole answers while rows are added") {
  MemoryRows rows;
  const uint32_t count = 20000;
  for (uint32_t row = 0; row < count; row++)
    rows.append(row % 2 == 0 ? "{\"a\":\"even\"}" : "{\"a\":\"odd " + std::to_string(row) + "\"}");
  const auto index = makeIndex("a", PayloadIndexKind::Keyword);
  FilterNode even = leaf(FilterOp::Match, "a");
  even.values.texts = {"even"};
  std::thread writer([&] {
    while (index->covered() < count) buildTo(*index, rows, std::min(count, index->covered() + 37));
  });
  uint32_t last = 0;
  while (last < count) {
    const IndexAnswer answer = *index->answer(even, count, rows.work());
    CHECK(answer.covered >= last);
    CHECK_EQUAL(answer.sure.count(), (answer.covered + 1) / 2);
    last = answer.covered;
  }
  writer.join();
}

SOLO_TEST("a repeated condition gets a current answer, and the cache of answers is bounded") {
  MemoryRows rows;
  const uint32_t count = 30'000;
  for (uint32_t row = 0; row < count; row++)
    rows.append("{\"n\":" + std::to_string(row % 1000) + "}");
  const auto index = makeIndex("n", PayloadIndexKind::Integer);
  const auto below = [&](double bound) {
    FilterNode node = leaf(FilterOp::NumberRange, "n");
    node.numbers.limitAbove(bound, true);
    return node;
  };
  for (const uint32_t covered : {10'000u, 20'000u, count}) {
    buildTo(*index, rows, covered);
    for (int time = 0; time < 3; time++)
      for (const double bound : {900.0, 500.0, 901.0}) {
        const IndexAnswer answer = *index->answer(below(bound), count, rows.work());
        CHECK_EQUAL(answer.covered, covered);
        CHECK_EQUAL(answer.sure.count(), uint32_t(covered / 1000 * bound));
      }
  }
  // Few rows are a list, however they were collected.
  for (int time = 0; time < 2; time++)
    CHECK(!index->answer(below(10), count, rows.work())->sure.isDense());
  // Fewer rows than the index covers, as for a reader of an older snapshot.
  CHECK_EQUAL(index->answer(below(900), 15'000, rows.work())->sure.count(), 13'500u);
  const uint64_t before = index->bytes();
  for (uint32_t bound = 100; bound < 900; bound++)
    (void)index->answer(below(bound), count, rows.work());
  CHECK(index->bytes() - before <= AnswerCache::kMostBytes);
}

SOLO_TEST("changing the rows of an answer does not change the cached answer") {
  MemoryRows rows;
  const uint32_t count = 10'000;
  for (uint32_t row = 0; row < count; row++)
    rows.append("{\"n\":" + std::to_string(row % 100) + ",\"m\":" + std::to_string(row % 7) + "}");
  const auto index = makeIndex("n", PayloadIndexKind::Integer);
  buildTo(*index, rows, count);
  FilterNode most = leaf(FilterOp::NumberRange, "n"), half = most, unindexed = most;
  most.numbers.limitAbove(90, true);
  half.numbers.limitAbove(50, true);
  unindexed.path = JsonPath::parse("m").take();
  unindexed.numbers.limitAbove(3, true);
  const auto matchesOf = [&](const FilterNode& node) {
    FilterPlan plan = planFilter(node, rows, {index});
    plan.prepareForPasses();
    if (!plan.resolve(rows).isOk()) return 0u;
    CHECK_EQUAL(plan.candidates()->count(), plan.candidateCount());
    return plan.candidateCount();
  };
  for (int time = 0; time < 2; time++) {
    CHECK_EQUAL(matchesOf(most), 9000u);
    CHECK_EQUAL(matchesOf(join(FilterOp::Not, {most})), 1000u);
    CHECK_EQUAL(matchesOf(join(FilterOp::All, {half, most})), 5000u);
    CHECK_EQUAL(matchesOf(join(FilterOp::Any, {half, most})), 9000u);
    CHECK_EQUAL(matchesOf(join(FilterOp::All, {most, unindexed})), 3857u);
  }
}

SOLO_TEST("bitmaps behave as sets, both as lists and as bits") {
  RandomFilters random(testSeed() + 2);
  for (int round = 0; round < (isSlow() ? 200 : 2000); round++) {
    const uint32_t rows = static_cast<uint32_t>(random.below(400)) + 1;
    RowBitmap bitmaps[2] = {RowBitmap(rows), RowBitmap(rows)};
    std::set<uint32_t> sets[2];
    for (int which = 0; which < 2; which++) {
      for (size_t count = random.below(4) == 0 ? rows : random.below(8); count > 0; count--) {
        const uint32_t row = static_cast<uint32_t>(random.below(rows));
        bitmaps[which].add(row);
        sets[which].insert(row);
      }
      if (random.below(3) == 0) {
        const uint32_t from = static_cast<uint32_t>(random.below(rows)),
                       to = static_cast<uint32_t>(random.below(rows * 2));
        bitmaps[which].addRange(from, to);
        for (uint32_t row = from; row < std::min(to, rows); row++) sets[which].insert(row);
      }
    }
    for (RowBitmap& bitmap : bitmaps)
      if (random.below(3) == 0) bitmap.compact();
    const size_t operation = random.below(5);
    std::set<uint32_t> expected;
    for (uint32_t row = 0; row < rows; row++) {
      const bool a = sets[0].contains(row), b = sets[1].contains(row);
      const bool results[] = {a || b, a && b, a && !b, !a, a && row % 3 == 0};
      if (results[operation]) expected.insert(row);
    }
    switch (operation) {
    case 0: bitmaps[0].unite(bitmaps[1]); break;
    case 1: bitmaps[0].intersect(bitmaps[1]); break;
    case 2: bitmaps[0].subtract(bitmaps[1]); break;
    case 3: bitmaps[0].complement(); break;
    default: bitmaps[0].filter([](uint32_t row) { return row % 3 == 0; }); break;
    }
    const auto found = listOf(bitmaps[0]);
    CHECK(std::equal(found.begin(), found.end(), expected.begin(), expected.end()));
    CHECK_EQUAL(bitmaps[0].count(), expected.size());
    const auto step = static_cast<uint32_t>(random.below(rows)) + 1;
    std::vector<uint32_t> each, counted;
    for (size_t at = 0; at < found.size(); at += step) each.push_back(found[at]);
    bitmaps[0].forEachNth(step, [&](uint32_t row) { counted.push_back(row); });
    CHECK(each == counted);
    CHECK_EQUAL(bitmaps[0].isEmpty(), expected.empty());
    CHECK(!bitmaps[0].contains(rows));
  }
}
