#include <limits>

#include "test/filter_fixture.hpp"
#include "test/program_bytes.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

Bytes everyNode() {
  Bytes program;
  program.op(FilterOp::All).put<uint32_t>(13);
  program.op(FilterOp::Match)
      .path()
      .put<uint32_t>(2)
      .text("y")
      .text("x")
      .put<uint32_t>(1)
      .put<int64_t>(-5)
      .put<uint8_t>(2);
  program.op(FilterOp::Except).path().put<uint32_t>(0).put<uint32_t>(0).put<uint8_t>(0);
  program.op(FilterOp::NumberRange).path().put<uint8_t>(9).put<double>(2.5).put<double>(-1);
  program.op(FilterOp::DateTimeRange).path().put<uint8_t>(2).put<int64_t>(7);
  program.op(FilterOp::Not).op(FilterOp::IsEmpty).path();
  program.op(FilterOp::AtLeast)
      .put<uint32_t>(1)
      .put<uint32_t>(2)
      .op(FilterOp::IsNull)
      .path()
      .op(FilterOp::HasNull)
      .path();
  program.op(FilterOp::HasId).put<uint32_t>(1);
  for (uint32_t word = 0; word < 5; word++) program.put<uint32_t>(word);
  program.op(FilterOp::HasVector).put<uint32_t>(2);
  program.op(FilterOp::Nested).path().op(FilterOp::ValuesCount).path().put<uint8_t>(0);
  program.op(FilterOp::Contains).path().put<uint32_t>(2).text("x").text("");
  program.op(FilterOp::InArea).path().put<uint8_t>(0).put(170.0).put(10.0).put(-170.0).put(-10.0);
  program.op(FilterOp::InArea).path().put<uint8_t>(1).put(1.0).put(2.0).put(3000.0);
  program.op(FilterOp::Slice).put<uint32_t>(4).put<uint32_t>(3);
  return program;
}

} // namespace

SOLO_TEST("a filter program decodes to the tree it was made from") {
  const auto program = everyNode().decode();
  REQUIRE(program.isOk());
  const FilterNode& root = program->root();
  REQUIRE(root.children.size() == 13);
  const FilterNode& match = root.children[0];
  CHECK(match.values.texts == (std::vector<std::string>{"x", "y"}));
  CHECK(match.values.containsInteger(-5) && match.values.hasTrue && !match.values.hasFalse);
  CHECK(match.path == JsonPath::parse("a[].b").value());
  const Interval<double>& range = root.children[2].numbers;
  CHECK(range.contains(-1) && range.contains(2.4) && !range.contains(2.5) && !range.contains(-1.1));
  CHECK(root.children[3].times.contains(7) && !root.children[3].times.contains(8));
  CHECK_EQUAL(root.children[6].ids[0][4], 4u);
  CHECK_EQUAL(root.children[7].vector, 2u);
  CHECK(root.children[9].values.texts == (std::vector<std::string>{"", "x"}));
  CHECK(root.children[10].area->contains({180, 0}) && !root.children[10].area->contains({0, 0}));
  CHECK(root.children[11].area->contains({1.01, 2.01}));
  CHECK_EQUAL(root.children[12].slice.index, 3u);
}

SOLO_TEST(
    "a full-text condition looks for tokens if its field has a text index, else for substrings") {
  Bytes program;
  program.op(FilterOp::Nested).put<uint8_t>(1).put<uint8_t>(0).text("a").op(FilterOp::HasTokens);
  program.put<uint8_t>(1).put<uint8_t>(0).text("b").put<uint8_t>(1).text("Red  blue");
  const std::vector<TextField> fields = {{JsonPath::parse("a[].b").take(), {}}};
  const auto tokens = program.decode(fields), parts = program.decode();
  REQUIRE(tokens.isOk() && parts.isOk());
  CHECK(holds(tokens->root(), R"({"a":[{"b":"a red one"}]})"));
  CHECK(!holds(tokens->root(), R"({"a":[{"b":"blueish"}]})"));
  CHECK(!holds(parts->root(), R"({"a":[{"b":"a red one"}]})"));
  CHECK(holds(parts->root(), R"({"a":[{"b":"blueish"}]})"));
  Bytes wrong;
  wrong.op(FilterOp::HasTokens).path().put<uint8_t>(3).text("x");
  CHECK(!wrong.decode());
}

SOLO_TEST("options of a text index are read completely or refused") {
  Bytes options;
  options.put<uint8_t>(2).put<uint8_t>(3).put<uint8_t>(5).put<uint32_t>(1).put<uint32_t>(9);
  options.put<uint32_t>(2).text("the").text("and");
  const auto decoded = decodeTextOptions(options.bytes.data(), options.bytes.size());
  REQUIRE(decoded.isOk());
  CHECK(decoded->tokenizer == Tokenizer::Prefix && decoded->stemmer == StemLanguage::English);
  CHECK(decoded->stopwords == (std::vector<std::string>{"and", "the"}));
  for (size_t length = 0; length < options.bytes.size(); length++)
    CHECK(!decodeTextOptions(options.bytes.data(), length));
  Bytes language = options;
  language.bytes[2] = kStemLanguages;
  CHECK(!decodeTextOptions(language.bytes.data(), language.bytes.size()));
}

SOLO_TEST("of two bounds on one side the tighter one counts") {
  Bytes program;
  // lt 5, lte 4, gt 1, gte 1
  program.op(FilterOp::NumberRange).path().put<uint8_t>(15).put(5.0).put(4.0).put(1.0).put(1.0);
  const auto decoded = program.decode();
  REQUIRE(decoded.isOk());
  const Interval<double>& range = decoded->root().numbers;
  CHECK(range.contains(4) && !range.contains(4.5) && !range.contains(1) && range.contains(1.5));
}

SOLO_TEST("bytes that are not a program are refused, whatever counts they claim") {
  const Bytes whole = everyNode();
  for (size_t length = 0; length < whole.bytes.size(); length++) {
    Bytes cut;
    cut.bytes.assign(whole.bytes.begin(), whole.bytes.begin() + static_cast<ptrdiff_t>(length));
    CHECK(cut.decode().status().code() == Code::InvalidArgument);
  }
  CHECK(!Bytes(whole).put<uint8_t>(0).decode());
  CHECK(!Bytes().op(FilterOp::HasVector).put<uint32_t>(kVectors).decode());
  CHECK(!Bytes()
             .op(FilterOp::NumberRange)
             .path()
             .put<uint8_t>(1)
             .put(std::numeric_limits<double>::quiet_NaN())
             .decode());
  CHECK(!Bytes().op(FilterOp::Slice).put<uint32_t>(4).put<uint32_t>(4).decode());
  CHECK(!Bytes().op(FilterOp::Slice).put<uint32_t>(0).put<uint32_t>(0).decode());
  CHECK(!Bytes().op(FilterOp::InArea).path().put<uint8_t>(2).put<uint32_t>(0).decode());
  CHECK(!Bytes().op(FilterOp::InArea).path().put<uint8_t>(1).put(0.0).put(91.0).put(1.0).decode());
  CHECK(!Bytes().op(FilterOp::InArea).path().put<uint8_t>(1).put(0.0).put(0.0).put(-1.0).decode());
  CHECK(!Bytes().op(FilterOp::All).put<uint32_t>(UINT32_MAX).decode());
  CHECK(!Bytes().put<uint8_t>(0).decode());
  CHECK(!Bytes().put<uint8_t>(200).decode());
  Bytes deep;
  for (int level = 0; level < 100000; level++) deep.op(FilterOp::Not);
  CHECK(!deep.op(FilterOp::All).put<uint32_t>(0).decode());
}
