#include "test/harness.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace vicinal::test {

namespace {

std::atomic<int> failures{0};

// Most of a run's time is in few tests; tests that take this long are reported.
constexpr double kSlowSeconds = 5;

bool isSelected(const char* name, int argc, char** argv) {
  if (argc < 2) return true;
  for (int i = 1; i < argc; i++)
    if (std::strstr(name, argv[i]) != nullptr) return true;
  return false;
}

// `VICINAL_TEST_PART=1/3` runs every third test, from the second on.
bool isOfPart(size_t at) {
  const char* const part = std::getenv("VICINAL_TEST_PART");
  if (part == nullptr) return true;
  const char* const of = std::strchr(part, '/');
  const size_t parts = of == nullptr ? 0 : std::strtoul(of + 1, nullptr, 10);
  if (parts == 0) std::abort();
  return at % parts == std::strtoul(part, nullptr, 10);
}

} // namespace

std::vector<Test>& registry() {
  static std::vector<Test> tests;
  return tests;
}

void fail(const char* file, int line, const std::string& what) {
  failures++;
  std::cerr << "  " << file << ":" << line << ": " << what << std::endl;
}

void checkAtLeast(double seen, double least, const char* text, const char* file, int line) {
  if (std::getenv("VICINAL_TEST_MARGINS") != nullptr)
    std::printf("margin %s:%d %.5f %.5f\n", file, line, seen, least);
  if (seen >= least) return;
  std::ostringstream out;
  out << text << ": " << seen << " is less than " << least;
  fail(file, line, out.str());
}

int failedChecks() { return failures; }

const std::string& scratchFolder() {
  static const std::string folder = [] {
    const char* base = std::getenv("TMPDIR");
    std::string path = std::string(base != nullptr ? base : "/tmp") + "/vicinal-native-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    return path;
  }();
  return folder;
}

bool isForRaces() {
#if defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

bool isSanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

bool isSlow() { return isSanitized() || std::getenv("VICINAL_TEST_SMALL") != nullptr; }

} // namespace vicinal::test

int main(int argc, char** argv) {
  using namespace vicinal::test;
  if (isForRaces())
    std::erase_if(registry(), [](const Test& test) { return test.kind != TestKind::Racing; });
  // Solo tests run first: the threads of the shared pool start only once, and they must not have
  // started before.
  std::stable_partition(registry().begin(), registry().end(),
                        [](const Test& test) { return test.kind == TestKind::Solo; });
  int passed = 0;
  int failed = 0;
  for (size_t at = 0; at < registry().size(); at++) {
    const Test& test = registry()[at];
    if (!isOfPart(at) || !isSelected(test.name, argc, argv)) continue;
    const int before = failures;
    const int startedBefore = startedThreads();
    const auto started = std::chrono::steady_clock::now();
    test.body();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    if (took.count() > kSlowSeconds)
      std::cerr << "  " << took.count() << " s: " << test.name << std::endl;
    if (test.kind == TestKind::Solo && startedThreads() != startedBefore)
      fail(__FILE__, __LINE__, "it starts a thread, and so is no SOLO_TEST");
    (failures == before ? passed : failed)++;
    if (failures != before) std::cerr << "FAILED " << test.name << std::endl;
  }
  std::filesystem::remove_all(scratchFolder());
  std::cout << passed << " passed, " << failed << " failed" << std::endl;
  return failed > 0 || passed == 0 ? 1 : 0;
}
