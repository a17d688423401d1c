// Word stems by the Snowball algorithms, from the library libstemmer; native/stemmers.mjs says
// where its sources are.
#pragma once

#include <cstdint>
#include <string>

namespace vicinal {

// In the order of SNOWBALL_LANGUAGES in src/core/text-index.ts; the native boundary passes
// positions in that list.
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

// Replaces the word by its stem. A word without a stem stays, and so does every word if memory is
// short.
void stem(std::string& word, StemLanguage language);

} // namespace vicinal
