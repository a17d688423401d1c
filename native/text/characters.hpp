// Unicode for text analysis: reading and writing UTF-8, and the classes of characters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vicinal {

// Stands for bytes that are not UTF-8.
constexpr uint32_t kNoCharacter = 0xfffd;

// The same functions for characters beyond ASCII.
uint32_t takeLongCharacter(std::string_view& text);
void appendLongCharacter(uint32_t character, std::string& into);
uint32_t lowerCaseLong(uint32_t character);

// Takes one character off the front of a text, which must not be empty.
inline uint32_t takeCharacter(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first >= 0x80) return takeLongCharacter(text);
  text.remove_prefix(1);
  return first;
}
inline void appendCharacter(uint32_t character, std::string& into) {
  if (character >= 0x80) return appendLongCharacter(character, into);
  into += static_cast<char>(character);
}
size_t countCharacters(std::string_view text);
// The first `count` characters.
std::string_view firstCharacters(std::string_view text, size_t count);

// Letters, marks and digits of any script.
bool isLongWordCharacter(uint32_t character);
inline bool isWordCharacter(uint32_t character) {
  if (character >= 0x80) return isLongWordCharacter(character);
  const uint32_t letter = character | 0x20;
  return (letter >= 'a' && letter <= 'z') || (character >= '0' && character <= '9');
}
bool isWhiteSpace(uint32_t character);
// Characters of scripts without spaces between words, such as Chinese, Japanese and Thai.
bool isOfUnspacedScript(uint32_t character);
// Maps one character to one, independent of its context.
inline uint32_t lowerCase(uint32_t character) {
  if (character >= 0x80) return lowerCaseLong(character);
  return character >= 'A' && character <= 'Z' ? character + 32 : character;
}
// ASCII for Latin letters and digits ("é" becomes "e"); null for all others.
const char* asciiFold(uint32_t character);

} // namespace vicinal
