// The meaning of filters, case by case, as Qdrant's condition checker decides them.
#include "test/filter_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

FilterNode match(const char* path, std::vector<std::string> texts,
                 std::vector<int64_t> integers = {}) {
  FilterNode node = leaf(FilterOp::Match, path);
  node.values.texts = std::move(texts);
  node.values.integers = std::move(integers);
  return node;
}
FilterNode except(const char* path, std::vector<std::string> texts,
                  std::vector<int64_t> integers = {}) {
  FilterNode node = match(path, std::move(texts), std::move(integers));
  node.op = FilterOp::Except;
  return node;
}
FilterNode between(FilterOp op, const char* path, double from, double to) {
  FilterNode node = leaf(op, path);
  node.numbers.limitBelow(from, false);
  node.numbers.limitAbove(to, false);
  return node;
}

} // namespace

SOLO_TEST("match holds for a value or an element of an array, of its own type") {
  CHECK(holds(match("a", {"x"}), R"({"a":"x"})"));
  CHECK(holds(match("a", {"x"}), R"({"a":["y","x"]})"));
  CHECK(!holds(match("a", {"x"}), R"({"a":[["x"]]})"));
  CHECK(!holds(match("a", {"1"}), R"({"a":1})"));
  CHECK(holds(match("a", {}, {1}), R"({"a":1})"));
  CHECK(!holds(match("a", {}, {1}), R"({"a":1.0})"));
  CHECK(!holds(match("a", {}, {1}), R"({"a":"1"})"));
  CHECK(!holds(match("a", {}, {1}), R"({"a":true})"));
  CHECK(!holds(match("a", {"x"}), ""));
  FilterNode yes = leaf(FilterOp::Match, "a");
  yes.values.hasTrue = true;
  CHECK(holds(yes, R"({"a":true})"));
  CHECK(!holds(yes, R"({"a":false})"));
}

SOLO_TEST("except holds for any value that is not listed, and not for a missing value") {
  CHECK(!holds(except("a", {"x"}), R"({"a":"x"})"));
  CHECK(holds(except("a", {"x"}), R"({"a":["x","y"]})"));
  CHECK(holds(except("a", {"x"}), R"({"a":1})"));
  CHECK(holds(except("a", {"x"}), R"({"a":{"b":1}})"));
  CHECK(holds(except("a", {"x"}), R"({"a":[["x"]]})"));
  CHECK(!holds(except("a", {"x"}), R"({"a":null})"));
  CHECK(!holds(except("a", {"x"}), R"({"a":[]})"));
  CHECK(!holds(except("a", {"x"}), R"({"b":1})"));
  CHECK(!holds(except("a", {}, {1}), R"({"a":1})"));
  CHECK(holds(except("a", {}, {1}), R"({"a":1.5})"));
}

SOLO_TEST("ranges compare numbers with numbers and times with times") {
  CHECK(holds(between(FilterOp::NumberRange, "a", 1, 2), R"({"a":1.5})"));
  CHECK(holds(between(FilterOp::NumberRange, "a", 1, 2), R"({"a":[9,2]})"));
  CHECK(!holds(between(FilterOp::NumberRange, "a", 1, 2), R"({"a":"1"})"));
  CHECK(!holds(between(FilterOp::NumberRange, "a", 1, 2), R"({})"));
  CHECK(holds(leaf(FilterOp::NumberRange, "a"), R"({"a":5})"));
  FilterNode day = leaf(FilterOp::DateTimeRange, "a");
  day.times.limitBelow(0, false);
  day.times.limitAbove(int64_t(86400) * 1000000, true);
  CHECK(holds(day, R"({"a":"1970-01-01T23:59:59.999999Z"})"));
  CHECK(!holds(day, R"({"a":"1970-01-02"})"));
  CHECK(!holds(day, R"({"a":0})"));
  CHECK(!holds(day, R"({"a":"soon"})"));
}

SOLO_TEST("isEmpty holds for missing, null and []; isNull holds for null alone") {
  const FilterNode empty = leaf(FilterOp::IsEmpty, "a"), null = leaf(FilterOp::IsNull, "a");
  for (const char* payload : {"", "{}", R"({"a":null})", R"({"a":[]})"})
    CHECK(holds(empty, payload));
  for (const char* payload : {R"({"a":0})", R"({"a":""})", R"({"a":[null]})", R"({"a":{}})"})
    CHECK(!holds(empty, payload));
  CHECK(holds(leaf(FilterOp::IsEmpty, "l[].b"), R"({"l":[{"b":null},{"c":1},{"b":[]}]})"));
  CHECK(!holds(leaf(FilterOp::IsEmpty, "l[].b"), R"({"l":[{"b":null},{"b":1}]})"));
  CHECK(holds(null, R"({"a":null})"));
  for (const char* payload : {"{}", R"({"a":[null]})", R"({"a":[]})"}) CHECK(!holds(null, payload));
  CHECK(holds(leaf(FilterOp::HasNull, "a"), R"({"a":[1,null]})"));
  CHECK(holds(leaf(FilterOp::HasNull, "a"), R"({"a":null})"));
  CHECK(!holds(leaf(FilterOp::HasNull, "a"), "{}"));
}

SOLO_TEST("valuesCount counts null and a missing field as 0, an array by its elements, and any "
          "other value as 1") {
  CHECK(holds(between(FilterOp::ValuesCount, "a", 2, 2), R"({"a":[1,[2,3]]})"));
  CHECK(holds(between(FilterOp::ValuesCount, "a", 1, 1), R"({"a":{"b":1}})"));
  CHECK(holds(between(FilterOp::ValuesCount, "a", 0, 0), R"({"a":null})"));
  CHECK(holds(between(FilterOp::ValuesCount, "a", 0, 0), R"({"a":[]})"));
  CHECK(holds(between(FilterOp::ValuesCount, "a", 0, 9), R"({})"));
  CHECK(!holds(between(FilterOp::ValuesCount, "a", 1, 9), R"({})"));
}

SOLO_TEST("nested conditions must hold for one element, and elements have no id and no vectors") {
  const auto nested = [](FilterNode inner, const char* path = "l") {
    FilterNode node = leaf(FilterOp::Nested, path);
    node.children.push_back(std::move(inner));
    return node;
  };
  const FilterNode both = join(FilterOp::All, {match("a", {}, {1}), match("b", {}, {2})});
  CHECK(holds(nested(both), R"({"l":[{"a":0},{"a":1,"b":2}]})"));
  CHECK(!holds(nested(both), R"({"l":[{"a":1,"b":0},{"a":0,"b":2}]})"));
  CHECK(!holds(nested(both), R"({"l":{"a":1,"b":2}})"));
  CHECK(holds(nested(both, "l[]"), R"({"l":[{"a":1,"b":2}]})"));
  CHECK(!holds(nested(join(FilterOp::All, {})), R"({"l":[1,"x",null]})"));
  FilterNode id = join(FilterOp::HasId, {});
  id.ids = {{0, 0, 0, 0, 0}};
  CHECK(holds(id, "{}"));
  CHECK(!holds(nested(id), R"({"l":[{}]})"));
}

SOLO_TEST("clauses combine; an empty all holds and an empty any does not") {
  const FilterNode yes = join(FilterOp::All, {}), no = join(FilterOp::Any, {});
  CHECK(holds(yes, ""));
  CHECK(!holds(no, ""));
  CHECK(holds(join(FilterOp::Not, {no}), ""));
  FilterNode two = join(FilterOp::AtLeast, {yes, no, yes});
  two.minimum = 2;
  CHECK(holds(two, ""));
  two.minimum = 3;
  CHECK(!holds(two, ""));
}

SOLO_TEST("substrings are found exactly as spelled, and only in texts") {
  FilterNode contains = leaf(FilterOp::Contains, "a"), prefix = leaf(FilterOp::StartsWith, "a");
  contains.values.texts = prefix.values.texts = {"re", "x\"y"};
  CHECK(holds(contains, R"({"a":"a red one"})") && !holds(prefix, R"({"a":"a red one"})"));
  CHECK(holds(prefix, R"({"a":["blue","red"]})"));
  CHECK(holds(prefix, R"({"a":"x\"yz"})"));
  CHECK(!holds(contains, R"({"a":"Red"})"));
  CHECK(!holds(contains, R"({"a":1})"));
  CHECK(!holds(contains, "{}"));
  contains.values.texts = {""};
  CHECK(holds(contains, R"({"a":""})"));
  contains.values.texts = {};
  CHECK(!holds(contains, R"({"a":""})"));
}

SOLO_TEST("a substring search in a text of many repetitions takes one pass") {
  FilterNode contains = leaf(FilterOp::Contains, "a");
  contains.values.texts = {std::string(32000, 'a') + "b"};
  CHECK(!holds(contains, "{\"a\":\"" + std::string(4 << 20, 'a') + "\"}"));
}

SOLO_TEST("positions are objects with a valid longitude and latitude") {
  FilterNode world = leaf(FilterOp::InArea, "a");
  world.area = std::make_shared<GeoArea>(GeoArea::ofCircle({0, 0}, 1e9));
  CHECK(holds(world, R"({"a":{"lat":1,"lon":2.5}})"));
  CHECK(holds(world, R"({"a":[1,{"lat":1,"lon":2.5,"name":{}}]})"));
  CHECK(holds(world, R"({"a":{"lat":90,"lon":-180}})"));
  for (const char* payload : {"{}", R"({"a":{"lat":1}})", R"({"a":{"lat":"1","lon":2}})",
                              R"({"a":{"lat":90.1,"lon":0}})", R"({"a":{"lat":0,"lon":181}})",
                              R"({"a":{"lat":1e999,"lon":0}})", R"({"a":[[{"lat":1,"lon":2}]]})"})
    CHECK(!holds(world, payload));
}
