// A test runner in one header. A file in native/test is one program's part:
//
//   TEST("search after delete never returns the deleted id") { CHECK(found.empty()); CHECK_EQUAL(a,
//   b); }
//
// A SOLO_TEST starts no thread, which AddressSanitizer's run checks; ThreadSanitizer's, which could
// find nothing in it, leaves it out, and files that have no other. An ANSWERS_TEST starts threads,
// but none at odds with it: it fills a shard, waits for what indexes it, and looks at answers,
// which ThreadSanitizer's run, several times as slow, leaves to the others. When in doubt, TEST.
//
// CHECK goes on after a failure, REQUIRE leaves the test. scripts/test-native.mjs links every file
// of this folder into one program and runs it; arguments select tests whose names contain one of
// them, and VICINAL_TEST_PART=0/3 every third.
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
// So far.
int failedChecks();
// A folder of the running program's own, removed at its end.
const std::string& scratchFolder();
// True under a sanitizer or an emulator: tests take smaller sizes.
bool isSlow();
// True under ThreadSanitizer.
bool isForRaces();
// By this process so far, where they are counted: under AddressSanitizer.
int startedThreads();

// Under ThreadSanitizer only the first, of what makes no difference to threads, such as metrics: it
// takes several times as long as all else, and the other runs have them all.
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
#define CHECK_EQUAL(seen, expected)                                                                \
  ::vicinal::test::checkEqual((seen), (expected), #seen, __FILE__, __LINE__)
