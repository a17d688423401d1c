// Word stems by the Snowball algorithms, from the library libstemmer; native/stemmers.mjs says
// where its sources are.
#pragma once

#include <cstdint>
#include <string>

namespace vicinal {

// In the order of SNOWBALL_LANGUAGES in src/core/text-index.ts, which the boundary counts by.
enum class StemLanguage : uint8_t {
  None,
  Arabic,
  Armenian,
  Danish,
  Dutch,
  English,
  Finnish,
  French,
  German,
  Greek,
  Hungarian,
  Italian,
  Norwegian,
  Portuguese,
  Romanian,
  Russian,
  Spanish,
  Swedish,
  Tamil,
  Turkish
};
constexpr uint8_t kStemLanguages = static_cast<uint8_t>(StemLanguage::Turkish) + 1;

// Puts the stem in place of the word. A word of no stem, and any where memory is short, stays.
void stem(std::string& word, StemLanguage language);

} // namespace vicinal
