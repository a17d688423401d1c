// Unicode as text analysis needs it: characters out of UTF-8 and back, and what kind they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vicinal {

// Stands for bytes that are no UTF-8.
constexpr uint32_t kNoCharacter = 0xfffd;

// Takes one character off the front of a text that is not empty.
uint32_t takeCharacter(std::string_view& text);
void appendCharacter(uint32_t character, std::string& into);
size_t countCharacters(std::string_view text);
// The first `count` characters.
std::string_view firstCharacters(std::string_view text, size_t count);

// Letters, marks and digits of any script.
bool isWordCharacter(uint32_t character);
bool isWhiteSpace(uint32_t character);
// Of a script that puts no space between words: Chinese, Japanese, Thai and their like.
bool isOfUnspacedScript(uint32_t character);
// One character for one, whatever stands around it.
uint32_t lowerCase(uint32_t character);
// Latin letters and digits in ASCII ("é" is "e"); null for the rest.
const char* asciiFold(uint32_t character);

} // namespace vicinal
