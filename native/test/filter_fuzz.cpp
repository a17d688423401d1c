// Fuzzes the decoder of filter programs and the evaluator: with programs of every kind of node,
// with damaged ones, and with random bytes. Seeds are fixed, so every run is the same.
#include "test/filter_fixture.hpp"
#include "test/program_bytes.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr int kExecutions = 200000;
constexpr unsigned kSeed = 20240607;

// Programs with every opcode, valid except for their numbers.
class RandomPrograms {
public:
  explicit RandomPrograms(unsigned seed) : random_(seed) {}

  size_t below(size_t bound) { return random_() % bound; }

  Bytes program() {
    Bytes into;
    node(into, 0);
    return into;
  }
  Bytes damaged() {
    Bytes into = program();
    for (size_t changes = 1 + below(4); changes > 0 && !into.bytes.empty(); changes--) {
      const size_t at = below(into.bytes.size());
      const auto place = into.bytes.begin() + static_cast<ptrdiff_t>(at);
      switch (below(4)) {
      case 0: into.bytes.erase(place); break;
      case 1: into.bytes.insert(place, byte()); break;
      case 2: into.bytes.resize(at); break;
      default: *place = byte(); break;
      }
    }
    return into;
  }
  Bytes noise() {
    Bytes into;
    for (size_t length = below(64); length > 0; length--) into.put(byte());
    return into;
  }

private:
  uint8_t byte() {
    static constexpr uint8_t edges[] = {0, 1, 2, 7, 0x7f, 0x80, 0xff};
    return below(2) == 0 ? edges[below(std::size(edges))] : static_cast<uint8_t>(below(256));
  }
  double degrees(double most) {
    return (static_cast<double>(below(2001)) / 1000 - 1) * most * (below(200) == 0 ? 2 : 1);
  }
  void position(Bytes& into) { into.put(degrees(180)).put(degrees(90)); }

  void path(Bytes& into) {
    static constexpr std::string_view keys[] = {"a", "b", "list", "lon", ""};
    const size_t steps = 1 + below(3);
    into.put(static_cast<uint8_t>(steps));
    for (size_t at = 0; at < steps; at++) {
      const auto kind = static_cast<uint8_t>(at == 0 ? 0 : below(3));
      into.put(kind);
      if (kind == 0) into.text(keys[below(std::size(keys))]);
      if (kind == 2) into.put(static_cast<uint32_t>(below(3)));
    }
  }
  void texts(Bytes& into) {
    const size_t count = below(4);
    into.put(static_cast<uint32_t>(count));
    for (size_t at = 0; at < count; at++)
      into.text(RandomFilters::texts()[below(RandomFilters::texts().size())]);
  }
  template <typename T> void bounds(Bytes& into) {
    const size_t mask = below(16);
    into.put(static_cast<uint8_t>(mask));
    for (size_t bit = 0; bit < 4; bit++)
      if ((mask >> bit & 1) != 0) into.put(static_cast<T>(static_cast<int>(below(40)) - 20));
  }
  void area(Bytes& into) {
    const auto shape = static_cast<uint8_t>(below(3));
    into.put(shape);
    position(into);
    if (shape == 0) position(into);
    if (shape == 1) into.put(static_cast<double>(below(30000000)));
    if (shape != 2) return;
    into.bytes.resize(into.bytes.size() - 16);
    const size_t rings = 1 + below(3);
    into.put(static_cast<uint32_t>(rings));
    for (size_t ring = 0; ring < rings; ring++) {
      const size_t points = 1 + below(6);
      into.put(static_cast<uint32_t>(points));
      for (size_t at = 0; at < points; at++) position(into);
    }
  }
  void nodes(Bytes& into, int depth) {
    const size_t count = depth > 3 ? 0 : below(4);
    into.put(static_cast<uint32_t>(count));
    for (size_t at = 0; at < count; at++) node(into, depth + 1);
  }
  void node(Bytes& into, int depth) {
    const auto op = static_cast<FilterOp>(1 + below(static_cast<size_t>(FilterOp::HasTokens)));
    into.op(op);
    switch (op) {
    case FilterOp::All:
    case FilterOp::Any: return nodes(into, depth);
    case FilterOp::AtLeast: into.put(static_cast<uint32_t>(below(4))); return nodes(into, depth);
    case FilterOp::Not: return node(into, depth + 1);
    case FilterOp::HasVector: into.put(static_cast<uint32_t>(below(kVectors))); return;
    case FilterOp::Slice: into.put<uint32_t>(4).put(static_cast<uint32_t>(below(4))); return;
    case FilterOp::HasId: {
      const size_t count = below(3);
      into.put(static_cast<uint32_t>(count));
      for (size_t word = 0; word < count * 5; word++) into.put(static_cast<uint32_t>(below(2)));
      return;
    }
    default: path(into); return operands(op, into, depth);
    }
  }
  void operands(FilterOp op, Bytes& into, int depth) {
    switch (op) {
    case FilterOp::Nested: return node(into, depth + 1);
    case FilterOp::Match:
    case FilterOp::Except: {
      texts(into);
      const size_t integers = below(3);
      into.put(static_cast<uint32_t>(integers));
      for (size_t at = 0; at < integers; at++) into.put(static_cast<int64_t>(below(10)));
      into.put(static_cast<uint8_t>(below(4)));
      return;
    }
    case FilterOp::NumberRange:
    case FilterOp::ValuesCount: return bounds<double>(into);
    case FilterOp::DateTimeRange: return bounds<int64_t>(into);
    case FilterOp::Contains:
    case FilterOp::StartsWith: return texts(into);
    case FilterOp::InArea: return area(into);
    case FilterOp::HasTokens:
      into.put(static_cast<uint8_t>(below(3)));
      into.text(RandomFilters::texts()[below(RandomFilters::texts().size())]);
      return;
    default: return;
    }
  }

  std::mt19937 random_;
};

} // namespace

SOLO_TEST("200,000 valid, damaged and random filter programs are evaluated or refused") {
  RandomPrograms random(kSeed);
  RandomFilters payloads(kSeed);
  MemoryRows rows;
  rows.append(
      R"({"a":[{"b":"red","lon":3,"lat":4}],"list":[{"a":1},{"b":[null,7]}],"b":{"a":"7"}})");
  rows.append(R"({"a":{"lon":-179.5,"lat":80},"b":"2020-01-01","lon":1})");
  const std::vector<TextField> fields = {{JsonPath::parse("b").take(), {}},
                                         {JsonPath::parse("a[].b").take(), {}}};
  int whole = 0, damaged = 0, matched = 0;
  const int executions = isSlow() ? kExecutions / 4 : kExecutions;
  for (int round = 0; round < executions; round++) {
    const size_t kind = random.below(4);
    const Bytes bytes = kind == 0   ? random.program()
                        : kind == 1 ? random.noise()
                                    : random.damaged();
    if (round % 1000 == 0) rows.append(payloads.payload());
    const auto program = bytes.decode(fields);
    if (!program) {
      CHECK(program.status().code() == Code::InvalidArgument);
      continue;
    }
    (kind == 0 ? whole : damaged)++;
    const auto row = static_cast<uint32_t>(random.below(rows.rows()));
    matched += matches(program->root(), rows, row) ? 1 : 0;
    FilterPlan plan = planFilter(program->root(), rows, {});
    CHECK(plan.passes(rows, row) == matches(program->root(), rows, row));
  }
  // The run has really reached all three outcomes.
  CHECK(whole > executions / 8);
  CHECK(damaged > executions / 100);
  CHECK(matched > executions / 100);
}
