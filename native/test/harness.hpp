// A test runner in one header. Each file in native/test adds tests:
//
//   TEST("search after delete never returns the deleted id") { CHECK(found.empty()); CHECK_EQUAL(a,
//   b); }
//
// A SOLO_TEST starts no thread, which the AddressSanitizer run checks. ThreadSanitizer can find
// nothing in such tests, so its run leaves them out, together with files that have no others. An
// ANSWERS_TEST starts threads that cannot conflict with it: it fills a shard, waits for the index
// and looks at answers. ThreadSanitizer's run, which is several times slower, leaves these tests to
// the other runs. When in doubt, use TEST.
//
// CHECK continues after a failure; REQUIRE leaves the test. scripts/test-native.mjs links every
// file of this folder into one program and runs it. Arguments select tests whose names contain one
// of them; VICINAL_TEST_PART=0/3 selects every third.
#pragma once

#include <cstdint>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace vicinal::test {

enum class TestKind : uint8_t { Racing, Answers, Solo };

struct Test {
  const char* name;
  void (*body)();
  TestKind kind;
};

std::vector<Test>& registry();
void fail(const char* file, int line, const std::string& what);
// The number of checks that have failed so far.
int failedChecks();
// A folder of this run, removed at its end.
const std::string& scratchFolder();
// True under a sanitizer or an emulator, where tests use smaller sizes.
bool isSlow();
// Whether a sanitizer makes everything several times slower.
bool isSanitized();
// True under ThreadSanitizer.
bool isForRaces();
// Threads started by this process so far; counted only under AddressSanitizer.
int startedThreads();

// Under ThreadSanitizer only the first value, for parameters that make no difference to threads,
// such as metrics. That run is several times slower, and the other runs have all values.
template <typename T> std::vector<T> firstForRaces(std::initializer_list<T> all) {
  return isForRaces() ? std::vector<T>{*all.begin()} : std::vector<T>(all);
}

struct Registration {
  Registration(const char* name, void (*body)(), TestKind kind) {
    registry().push_back({name, body, kind});
  }
};

template <typename A, typename B>
void checkEqual(const A& seen, const B& expected, const char* text, const char* file, int line) {
  if (seen == expected) return;
  std::ostringstream out;
  out << text << ": expected " << expected << ", got " << seen;
  fail(file, line, out.str());
}

// Reports both numbers if `seen` is less. With VICINAL_TEST_MARGINS each comparison is printed:
// where threads build a graph, the numbers differ from run to run, and the bound needs a margin of
// several standard deviations.
void checkAtLeast(double seen, double least, const char* text, const char* file, int line);

} // namespace vicinal::test

#define VICINAL_JOIN_(a, b) a##b
#define VICINAL_JOIN(a, b) VICINAL_JOIN_(a, b)
#define VICINAL_TEST(name, kind)                                                                   \
  static void VICINAL_JOIN(test_, __LINE__)();                                                     \
  static const ::vicinal::test::Registration VICINAL_JOIN(registration_, __LINE__){                \
      name, VICINAL_JOIN(test_, __LINE__), ::vicinal::test::TestKind::kind};                       \
  static void VICINAL_JOIN(test_, __LINE__)()
#define TEST(name) VICINAL_TEST(name, Racing)
#define ANSWERS_TEST(name) VICINAL_TEST(name, Answers)
#define SOLO_TEST(name) VICINAL_TEST(name, Solo)
#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) ::vicinal::test::fail(__FILE__, __LINE__, #condition);                       \
  } while (0)
#define REQUIRE(condition)                                                                         \
  do {                                                                                             \
    if (!(condition)) return ::vicinal::test::fail(__FILE__, __LINE__, #condition);                \
  } while (0)
#define CHECK_AT_LEAST(seen, least)                                                                \
  ::vicinal::test::checkAtLeast((seen), (least), #seen " >= " #least, __FILE__, __LINE__)
#define CHECK_EQUAL(seen, expected)                                                                \
  ::vicinal::test::checkEqual((seen), (expected), #seen, __FILE__, __LINE__)
