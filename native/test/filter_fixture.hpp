// Rows in the form that filters use, and random payloads and filters that combine every type with
// every condition.
#pragma once

#include <cstdlib>
#include <ctime>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "filter/evaluator.hpp"
#include "filter/payload_index.hpp"
#include "filter/plan.hpp"
#include "test/harness.hpp"

namespace vicinal::test {

class MemoryRows final : public RowSource {
public:
  explicit MemoryRows(const CancelFlag* cancel = nullptr) : RowSource(cancel) {}

  std::vector<std::string> appended;
  // Texts that replace the appended ones; nothing if the row has its first payload.
  std::vector<std::optional<std::string>> overlays;
  bool canLocate = false;

  void append(std::string text) {
    appended.push_back(std::move(text));
    overlays.emplace_back();
  }
  uint32_t rows() const override { return static_cast<uint32_t>(appended.size()); }
  std::string_view payload(uint32_t row) const override {
    return overlays[row] ? *overlays[row] : appended[row];
  }
  IdWords id(uint32_t row) const override { return {0, row, 0, 0, 0}; }
  bool hasVector(uint32_t row, uint32_t vector) const override { return row % (vector + 2) == 0; }
  void overlaidRows(RowBitmap& into) const override {
    for (uint32_t row = 0; row < rows(); row++)
      if (overlays[row]) into.add(row);
  }
  bool locate(const IdWords* ids, size_t count, RowBitmap& into) const override {
    for (size_t at = 0; at < count && canLocate; at++)
      if (ids[at][0] == 0) into.add(ids[at][1]);
    return canLocate;
  }
};

inline bool holds(const FilterNode& node, std::string payload) {
  MemoryRows rows;
  rows.append(std::move(payload));
  return matches(node, rows, 0);
}

inline FilterNode leaf(FilterOp op, std::string_view path) {
  FilterNode node;
  node.op = op;
  node.path = JsonPath::parse(path).take();
  return node;
}
inline FilterNode join(FilterOp op, std::vector<FilterNode> children) {
  FilterNode node;
  node.op = op;
  node.children = std::move(children);
  return node;
}

// VICINAL_TEST_SEED repeats a run.
inline unsigned testSeed() {
  static const unsigned seed = [] {
    const char* given = std::getenv("VICINAL_TEST_SEED");
    const unsigned value = given != nullptr ? static_cast<unsigned>(std::atol(given))
                                            : static_cast<unsigned>(std::time(nullptr));
    std::cout << "VICINAL_TEST_SEED=" << value << std::endl;
    return value;
  }();
  return seed;
}

class RandomFilters {
public:
  explicit RandomFilters(unsigned seed) : random_(seed) {}

  size_t below(size_t bound) { return random_() % bound; }
  const char* pick(const std::vector<const char*>& from) { return from[below(from.size())]; }

  static const std::vector<const char*>& texts() {
    static const std::vector<const char*> all = {"red",
                                                 "blue",
                                                 "",
                                                 "a\"b",
                                                 "\xc3\xa9\xf0\x9f\x98\x80",
                                                 "2020-01-01",
                                                 "2020-01-01T00:00:00Z",
                                                 "2020-01-01T01:00:00.000001+01:00",
                                                 "2021-06-30 12:00",
                                                 "0191a0b2-7c4d-4e11-9f00-0123456789ab",
                                                 "0191A0B2-7C4D-4E11-9F00-0123456789AB",
                                                 "7"};
    return all;
  }

  std::string scalar() {
    switch (below(9)) {
    case 8: {
      const GeoPoint point = position();
      std::ostringstream out;
      out << "{\"lon\":" << point.lon << ",\"lat\":" << point.lat << "}";
      return out.str();
    }
    case 0: return "null";
    case 1: return below(2) == 0 ? "true" : "false";
    case 2:
    case 3:
      return pick({"0", "1", "-1", "7", "9007199254740993", "9223372036854775807",
                   "-9223372036854775808", "9223372036854775808"});
    case 4: return pick({"1.0", "0.5", "-0.5", "7.25", "1e3", "1e999", "9007199254740992.0"});
    default: return quoted(pick(texts()));
    }
  }
  std::string value(int depth = 0) {
    const size_t kind = below(10);
    if (kind < 6 || depth > 2) return scalar();
    std::string text = kind < 9 ? "[" : "{\"b\":";
    if (kind == 9) return text + value(depth + 1) + "}";
    const size_t count = below(4);
    for (size_t at = 0; at < count; at++) text += (at > 0 ? "," : "") + value(depth + 1);
    return text + "]";
  }
  std::string payload() {
    if (below(20) == 0) return "";
    std::string text = "{\"x\":0";
    if (below(8) != 0) text += ",\"a\":" + value();
    if (below(3) == 0) text += ",\"list\":[{\"b\":" + value() + "},{\"b\":" + value() + "}]";
    text += "}";
    // Sometimes the text is cut: both sides must agree on damaged text too.
    if (below(50) == 0) text.resize(below(text.size() + 1));
    return text;
  }

  FilterNode condition() {
    static const FilterOp ops[] = {
        FilterOp::Match,   FilterOp::Match,  FilterOp::Except,      FilterOp::NumberRange,
        FilterOp::IsEmpty, FilterOp::IsNull, FilterOp::HasNull,     FilterOp::DateTimeRange,
        FilterOp::HasId,   FilterOp::Nested, FilterOp::ValuesCount, FilterOp::HasVector};
    static const FilterOp rarer[] = {FilterOp::InArea,   FilterOp::InArea, FilterOp::StartsWith,
                                     FilterOp::Contains, FilterOp::Slice,  FilterOp::HasTokens,
                                     FilterOp::HasTokens};
    const FilterOp op = below(5) == 0 ? rarer[below(std::size(rarer))] : ops[below(std::size(ops))];
    FilterNode node = leaf(op, pick({"a", "a", "a[]", "a.b", "list[].b", "list[1].b"}));
    for (size_t count = below(4); count > 0; count--) addValue(node.values);
    std::sort(node.values.texts.begin(), node.values.texts.end());
    std::sort(node.values.integers.begin(), node.values.integers.end());
    node.area = std::make_shared<GeoArea>(area());
    node.text = std::make_shared<TextQuery>(TextOptions{}, static_cast<TextMode>(below(3)),
                                            std::string(pick(texts())) + " " + pick(texts()));
    node.slice = {3, static_cast<uint32_t>(below(3))};
    limit(node.numbers, [&] { return static_cast<double>(below(20)) / 2 - 2; });
    limit(node.times,
          [&] { return int64_t(1577836800) * 1000000 + static_cast<int64_t>(below(5)) - 2; });
    if (node.op == FilterOp::HasId)
      for (uint32_t row = 0; row < 20; row++)
        node.ids.push_back({static_cast<uint32_t>(below(50) == 0), row * 7, 0, 0, 0});
    std::sort(node.ids.begin(), node.ids.end());
    if (node.op == FilterOp::Nested) {
      node.path = JsonPath::parse("list").take();
      FilterNode inner = condition();
      if (inner.op != FilterOp::Nested) inner.path = JsonPath::parse("b").take();
      node.children.push_back(std::move(inner));
    }
    return node;
  }
  double degrees(int most) { return static_cast<double>(below(13)) / 6 * most - most; }
  GeoPoint position() { return {degrees(180), degrees(90)}; }
  GeoArea area() {
    const GeoPoint a = position(), b = position();
    if (below(3) == 0) return GeoArea::ofBox({a.lon, a.lat, b.lon, b.lat});
    if (below(2) == 0) return GeoArea::ofCircle(a, static_cast<double>(below(12)) * 1e6);
    return GeoArea::ofPolygon({{a, b, position(), position(), a}});
  }
  FilterNode filter(int depth = 0) {
    static const FilterOp ops[] = {FilterOp::All, FilterOp::All, FilterOp::Any, FilterOp::Not,
                                   FilterOp::AtLeast};
    if (depth > 2 || below(3) == 0) return condition();
    FilterNode node;
    node.op = ops[below(std::size(ops))];
    const size_t count = node.op == FilterOp::Not ? 1 : below(4);
    for (size_t at = 0; at < count; at++) node.children.push_back(filter(depth + 1));
    node.minimum = static_cast<uint32_t>(below(3));
    return node;
  }

private:
  static std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\"";
  }
  void addValue(MatchValues& values) {
    static const int64_t integers[] = {0, 1, -1, 7, 9007199254740993, INT64_MAX, INT64_MIN, 1000};
    switch (below(5)) {
    case 0: (below(2) == 0 ? values.hasTrue : values.hasFalse) = true; break;
    case 1:
    case 2: values.integers.push_back(integers[below(std::size(integers))]); break;
    default: values.texts.push_back(pick(texts())); break;
    }
  }
  template <typename T, typename Bound> void limit(Interval<T>& interval, const Bound& bound) {
    if (below(3) != 0) interval.limitAbove(bound(), below(2) == 0);
    if (below(3) != 0) interval.limitBelow(bound(), below(2) == 0);
  }

  std::mt19937 random_;
};

} // namespace vicinal::test
