#include "text/float_json.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace vicinal {

namespace {

// JavaScript writes numbers within this range without an exponent.
constexpr float kLeastPlain = 1e-6f;
constexpr float kFirstPowered = 1e21f;

#if defined(__APPLE__)
// Standard libraries of older systems lack the function that writes the shortest digits.
char* write(float value, char* out) {
  int length = 0;
  for (int digits = 6; digits <= 9; digits++) {
    length = std::snprintf(out, kMostFloatLetters, "%.*g", digits, double(value));
    if (std::strtof(out, nullptr) == value) break;
  }
  return out + length;
}
#else
char* write(float value, char* out) {
  const float size = std::fabs(value);
  const bool isPlain = size == 0 || (size >= kLeastPlain && size < kFirstPowered);
  const auto format = isPlain ? std::chars_format::fixed : std::chars_format::scientific;
  return std::to_chars(out, out + kMostFloatLetters, value, format).ptr;
}
#endif

} // namespace

size_t writeFloats(const float* values, size_t count, char* out) {
  char* end = out;
  for (size_t at = 0; at < count; at++) {
    if (at > 0) *end++ = ',';
    if (std::isfinite(values[at])) {
      end = write(values[at], end);
    } else {
      std::memcpy(end, "null", 4);
      end += 4;
    }
  }
  return size_t(end - out);
}

} // namespace vicinal
