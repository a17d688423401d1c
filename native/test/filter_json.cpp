#include "filter/date_time.hpp"
#include "test/filter_fixture.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

std::string textOf(std::string_view json) {
  std::string scratch;
  const auto text = JsonValue::of(json).text(scratch);
  return text ? std::string(*text) : "(none)";
}

std::vector<std::string> at(std::string_view path, std::string_view json) {
  std::vector<std::string> found;
  JsonPath::parse(path).take().visit(JsonValue::of(json), [&](JsonValue value) {
    const auto number = value.number();
    found.push_back(number ? std::to_string(*number).substr(0, 3)
                           : std::to_string(int(value.kind())));
    return false;
  });
  return found;
}

bool isPath(std::string_view text) { return JsonPath::parse(text).isOk(); }

} // namespace

SOLO_TEST(
    "JSON strings are unescaped, surrogate pairs are joined, and lone surrogates equal no text") {
  CHECK_EQUAL(textOf(R"("plain")"), "plain");
  CHECK_EQUAL(textOf(R"("a\"b\\c\/d\n\t\u0041")"), "a\"b\\c/d\n\tA");
  CHECK_EQUAL(textOf(R"("\ud83d\ude00")"), "\xf0\x9f\x98\x80");
  CHECK_EQUAL(textOf(R"("\ud83d")"), "\xed\xa0\xbd");
  CHECK_EQUAL(textOf(R"("ends in a slash\\")"), "ends in a slash\\");
  CHECK_EQUAL(textOf(R"("never closed\")"), "(none)");
  CHECK_EQUAL(textOf(R"("\u12")"), "12");
}

SOLO_TEST("numbers are read exactly as integers and rounded as doubles") {
  CHECK_EQUAL(*JsonValue::of("9223372036854775807").integer(), INT64_MAX);
  CHECK(!JsonValue::of("9223372036854775808").integer());
  CHECK_EQUAL(*JsonValue::of("9223372036854775808").number(), 9223372036854775808.0);
  CHECK(!JsonValue::of("1.0").integer());
  CHECK_EQUAL(*JsonValue::of("-1.5e2").number(), -150.0);
  CHECK(!JsonValue::of("1e999").number());
  CHECK(!JsonValue::of("1-2").number());
  CHECK(!JsonValue::of("-").number());
}

SOLO_TEST("paths enter arrays only where brackets say so") {
  const char* json = R"({"a":[{"b":1},{"b":[2,3]},{"c":4}],"k.l":{"m n":5},"z":6})";
  CHECK_EQUAL(at("z", json).size(), 1u);
  CHECK_EQUAL(at("a.b", json).size(), 0u);
  CHECK_EQUAL(at("a[].b", json).size(), 2u);
  CHECK_EQUAL(at("a[].b[]", json).size(), 2u);
  CHECK_EQUAL(at("a[1].b[1]", json)[0], "3.0");
  CHECK_EQUAL(at("a[3]", json).size(), 0u);
  CHECK_EQUAL(at("\"k.l\".m n", json)[0], "5.0");
  CHECK_EQUAL(at("z.b", json).size(), 0u);
  CHECK_EQUAL(at("a", R"({"\u0061":1})").size(), 1u);
}

SOLO_TEST("invalid paths are refused") {
  for (const char* good : {"a", "a.b[]", "a[0][1]", "\"\"", "\"a\\\"b\"", "a-b_c"})
    CHECK(isPath(good));
  for (const char* bad : {"", ".a", "a.", "a..b", "[]", "a[", "a[x]", "a[-1]", "a]", "\"a",
                          "a\"b\"", "a[99999999999]"})
    CHECK(!isPath(bad));
  std::string longest = "a";
  for (size_t step = 1; step < JsonPath::kMaxSteps; step++) longest += ".a";
  CHECK(isPath(longest));
  CHECK(!isPath(longest + "[]"));
}

SOLO_TEST("date-times with and without zone, down to microseconds") {
  const auto is = [](const char* text, int64_t micros) {
    CHECK_EQUAL(parseDateTime(text).value_or(-1), micros);
  };
  is("1970-01-01", 0);
  is("1970-01-01T00:00:01Z", 1000000);
  is("1970-01-01 00:01", 60000000);
  is("1970-01-01T01:00:00.0000019+01:00", 1);
  is("1970-01-01T00:00:00-0130", int64_t(5400) * 1000000);
  is("2000-02-29T23:59:59.5z", int64_t(951868799500000));
  for (const char* bad :
       {"", "1970", "1970-13-01", "2001-02-29", "1970-01-01T24:00:00Z", "1970-01-01T00:00:00Zx",
        "1970-01-01T00:00:00.", "1970-01-01T00:00:00+1", "70-01-01", "1970-01-01T"})
    CHECK(!parseDateTime(bad));
}

SOLO_TEST("nesting of any depth uses no stack, and a walk stops at damage") {
  const std::string deep(1 << 20, '[');
  CHECK(JsonValue::of(deep).skip() == nullptr);
  const std::string closed = "{\"a\":" + deep + std::string(1 << 20, ']') + ",\"b\":1}";
  CHECK_EQUAL(at("b", closed).size(), 1u);

  RandomFilters random(testSeed());
  const std::string bytes = "{}[]\",:\\u0123456789abcdefnulltruefalse-+.eE \x01\xff";
  for (int round = 0; round < (isSlow() ? 20000 : 200000); round++) {
    std::string text = random.payload() + random.payload();
    for (size_t changes = random.below(4); changes > 0 && !text.empty(); changes--)
      text[random.below(text.size())] = bytes[random.below(bytes.size())];
    // On the heap without a terminator, so that the sanitizer detects a read one byte too far.
    const std::vector<char> exact(text.begin(), text.end());
    const JsonValue root = JsonValue::of({exact.data(), exact.size()});
    std::string scratch;
    for (const char* path : {"a", "a[]", "list[].b", "a.b"})
      JsonPath::parse(path).take().visit(root, [&](JsonValue value) {
        (void)value.text(scratch);
        (void)value.number();
        (void)value.skip();
        (void)value.isEmptyArray();
        return false;
      });
  }
}
