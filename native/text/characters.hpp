// Unicode as text analysis needs it: characters out of UTF-8 and back, and what kind they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vicinal {

// Stands for bytes that are no UTF-8.
constexpr uint32_t kNoCharacter = 0xfffd;

// Of what is not ASCII.
uint32_t takeLongCharacter(std::string_view& text);
void appendLongCharacter(uint32_t character, std::string& into);
uint32_t lowerCaseLong(uint32_t character);

// Takes one character off the front of a text that is not empty.
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
// Of a script that puts no space between words: Chinese, Japanese, Thai and their like.
bool isOfUnspacedScript(uint32_t character);
// One character for one, whatever stands around it.
inline uint32_t lowerCase(uint32_t character) {
  if (character >= 0x80) return lowerCaseLong(character);
  return character >= 'A' && character <= 'Z' ? character + 32 : character;
}
// Latin letters and digits in ASCII ("é" is "e"); null for the rest.
const char* asciiFold(uint32_t character);

} // namespace vicinal
