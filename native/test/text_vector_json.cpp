// Vectors taken out of JSON text.
#include "test/harness.hpp"
#include "text/vector_json.hpp"

#include <cmath>
#include <random>

using namespace vicinal;
using namespace vicinal::test;

namespace {

constexpr std::string_view kEight =
    "[1,2,3,4,5,6,7,8]"; // The shortest array that is lifted for a mark of one byte.

// The text with vectors lifted out, or "(none)"; the vectors go to `vectors`.
std::string lift(const std::string& json, std::vector<std::vector<float>>* vectors = nullptr) {
  LiftedVectors lifted;
  if (!liftVectors(json, "@", lifted) || lifted.ends.empty()) return "(none)";
  uint32_t from = 0;
  for (const uint32_t end : lifted.ends) {
    if (vectors != nullptr)
      vectors->emplace_back(lifted.floats.begin() + from, lifted.floats.begin() + end);
    from = end;
  }
  return {lifted.text.begin(), lifted.text.end()};
}

std::string with(std::string json) {
  for (size_t at = json.find('#'); at != std::string::npos; at = json.find('#', at))
    json.replace(at, 1, kEight);
  return json;
}

} // namespace

SOLO_TEST("vectors are lifted from every place where requests have them") {
  CHECK_EQUAL(lift(with(R"({"query":#,"limit":3})")), R"({"query":"@0","limit":3})");
  CHECK_EQUAL(lift(with(R"({ "query" : { "nearest" : # } })")),
              R"({ "query" : { "nearest" : "@0" } })");
  CHECK_EQUAL(
      lift(with(R"({"points":[{"id":1,"vector":#},{"id":2,"vector":{"a":#,"b":[#,#]}}]})")),
      R"({"points":[{"id":1,"vector":"@0"},{"id":2,"vector":{"a":"@1","b":["@2","@3"]}}]})");
  CHECK_EQUAL(lift(with(R"({"batch":{"ids":#,"vectors":[#,#]}})")),
              with(R"({"batch":{"ids":#,"vectors":["@0","@1"]}})"));
  CHECK_EQUAL(lift(with(R"({"query":{"recommend":{"positive":[#,7],"negative":#}}})")),
              with(R"({"query":{"recommend":{"positive":["@0",7],"negative":#}}})"));
  CHECK_EQUAL(lift(with(R"({"prefetch":[{"query":#}],"query":{"fusion":"rrf"}})")),
              R"({"prefetch":[{"query":"@0"}],"query":{"fusion":"rrf"}})");
  CHECK_EQUAL(lift(with(R"({"vector":{"name":"a","vector":#}})")),
              R"({"vector":{"name":"a","vector":"@0"}})");
}

SOLO_TEST("values that are not vectors stay in the text") {
  for (const char* json : {R"({"points":#})",
                           R"({"payload":{"vector":#}})",
                           R"({"payload":{"a":[{"query":#}]}})",
                           R"({"filter":{"vector":#}})",
                           R"({"vector":{"indices":#,"values":#}})",
                           R"({"metadata":{"query":#}})",
                           R"({"query":{"formula":{"sum":#}}})",
                           R"({"a":"query","b":#})",
                           R"({"query":"\"","limit":#})",
                           R"(["query",#])",
                           R"({"positive":#})",
                           R"({"batch":{"ids":#}})",
                           R"({"vectors":#})",
                           R"({"batch":{"vectors":{"a":#}}})",
                           R"({"delete_vectors":{"vector":#}})",
                           R"({"p\u0061yload":{"vector":#}})",
                           R"({"vector":{"indi\u0063es":#}})",
                           R"({"vector":{"text":"a","options":{"vector":#}}})",
                           R"({"batch":{"payloads":[{"query":#}]}})",
                           R"("query#")",
                           R"(#)"})
    CHECK_EQUAL(lift(with(json)), "(none)");
}

SOLO_TEST("an array without eight finite float32 values stays in the text") {
  for (const char* array :
       {"[]", "[1,2,3,4,5,6,7]", "[1,2,3,4,5,6,7,8,]", "[1,2,3,4,5,6,7,null]",
        "[1,2,3,4,5,6,7,\"8\"]", "[1,2,3,4,5,6,7,01]", "[1,2,3,4,5,6,7,.5]", "[1,2,3,4,5,6,7,5.]",
        "[1,2,3,4,5,6,7,+5]", "[1,2,3,4,5,6,7,1e]", "[1,2,3,4,5,6,7,1e40]", "[1,2,3,4,5,6,7,1e400]",
        "[1,2,3,4,5,6,7,nan]", "[1,2,3,4,5,6,7,-]", "[1,2,3,4,5,6,7,-inf]", "[1,2,3,4,5,6,7 8]",
        "[,1,2,3,4,5,6,7,8]", "[1,2,3,4,5,6,7,0x8]", "[1,2,3,4,5,6,7,[8]]"})
    CHECK_EQUAL(lift(std::string(R"({"query":)") + array + "}"), "(none)");
}

SOLO_TEST("lifting never makes the text longer") {
  LiftedVectors lifted;
  const std::string json =
      with(R"({"query":#,"prefetch":{"query":[1,2,3,4,5,6,7,8.000000000000001]}})");
  CHECK(bool(liftVectors(json, "a mark of 21 letters.", lifted)));
  CHECK_EQUAL(std::string(lifted.text.begin(), lifted.text.end()),
              with(R"({"query":#,"prefetch":{"query":"a mark of 21 letters.0"}})"));
}

SOLO_TEST("lifting never turns invalid JSON into valid JSON") {
  for (const char* json :
       {R"({"query":5,#:1})", R"({#:1})", R"({"query":#)", R"({"query":#]})", R"({"query":#}})",
        R"({"query":#,"a)", R"({"query":{#:"a"}})", R"(]{"query":#})"})
    CHECK_EQUAL(lift(with(json)), "(none)");
  // Invalid JSON stays equally invalid.
  CHECK_EQUAL(lift(with(R"({"query" #})")), R"({"query" "@0"})");
  CHECK_EQUAL(lift(with(R"({"query"::#})")), R"({"query"::"@0"})");
  CHECK_EQUAL(lift(with(R"({"query":##})")), R"({"query":"@0""@1"})");
  const std::string deep(300, '[');
  CHECK_EQUAL(lift(with(R"({"a":)" + deep + std::string(300, ']') + R"(,"query":#})")), "(none)");
}

SOLO_TEST("numbers are rounded like in JavaScript: to doubles, then to floats") {
  std::vector<std::vector<float>> vectors;
  const std::string numbers =
      "0, -0 ,0.1,1e-3,\t1E+3,123456789012345678901234567890,7.006492321624085e-46,-3.4028234e38";
  CHECK_EQUAL(lift(R"({"vector":[)" + numbers + "]}", &vectors), R"({"vector":"@0"})");
  const std::vector<float> expected = {0,
                                       -0.0f,
                                       float(0.1),
                                       float(1e-3),
                                       1000,
                                       float(123456789012345678901234567890.0),
                                       float(7.006492321624085e-46),
                                       float(-3.4028234e38)};
  CHECK(vectors[0] == expected);
  CHECK(std::signbit(vectors[0][1]));
}

SOLO_TEST("nothing is read past the end of a cut or damaged text") {
  const std::string json =
      with(R"({"points":[{"id":1,"vector":{"a":#},"payload":{"t":"\"x\\"}},{"vector":[#,#]}]})");
  for (size_t end = 0; end < json.size(); end++) {
    // Memory of exactly that size, so that a sanitizer detects a read too far.
    const std::vector<char> exact(json.begin(), json.begin() + ptrdiff_t(end));
    LiftedVectors lifted;
    CHECK(bool(liftVectors({exact.data(), exact.size()}, "@", lifted)));
    CHECK(lifted.ends.empty());
  }
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; i++) {
    std::string damaged = json;
    for (size_t changes = 1 + random() % 3; changes > 0; changes--)
      damaged[random() % damaged.size()] = "\"\\[]{},:0.eE-# "[random() % 15];
    LiftedVectors lifted;
    CHECK(bool(liftVectors(damaged, "@", lifted)));
    for (size_t at = 0; at < lifted.ends.size(); at++)
      CHECK(lifted.ends[at] <= lifted.floats.size());
  }
}
