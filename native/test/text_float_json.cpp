// Floats written as JSON.
#include "test/harness.hpp"
#include "text/float_json.hpp"

#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

using namespace vicinal;
using namespace vicinal::test;

namespace {

std::string written(const std::vector<float>& values) {
  // Exactly as long as the bound, so that a sanitizer detects a write past the end.
  std::vector<char> out(values.size() * kMostFloatLetters);
  return {out.data(), writeFloats(values.data(), values.size(), out.data())};
}

} // namespace

SOLO_TEST("floats are written with the fewest digits that give them back") {
  CHECK_EQUAL(written({}), "");
  CHECK_EQUAL(written({0.1f, -2, 1.0f / 3, 1e20f}), "0.1,-2,0.33333334,100000002004087734272");
  CHECK_EQUAL(written({1e-6f, 9.9e-7f, 1e21f, 1.5e-10f}), "0.000001,9.9e-07,1e+21,1.5e-10");
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK_EQUAL(written({infinity, 1, -infinity, std::nanf("")}), "null,1,null,null");
}

SOLO_TEST("every float survives writing and reading bit for bit, within the length bound") {
  std::mt19937 random(11);
  std::vector<float> all{0, -0.0f, FLT_MIN, FLT_MAX, -FLT_MAX, FLT_TRUE_MIN, 16777216, 123456792};
  for (int at = 0; at < (isSlow() ? 20'000 : 500'000); at++) {
    const float value = std::bit_cast<float>(uint32_t(random()));
    if (std::isfinite(value)) all.push_back(value);
  }
  for (const float value : all) {
    const std::string text = written({value});
    CHECK(std::bit_cast<uint32_t>(std::strtof(text.c_str(), nullptr)) ==
          std::bit_cast<uint32_t>(value));
    CHECK(text.size() < kMostFloatLetters);
  }
}
