#include "text/characters.hpp"

#include <algorithm>
#include <iterator>

namespace vicinal {

namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};
struct LowerRun {
  uint32_t first;
  uint32_t last;
  int32_t delta;
  uint32_t step;
};
struct Fold {
  uint32_t character;
  const char* ascii;
};

#include "text/unicode_tables.inc"

// The last entry that begins at or before the character; only it may hold the character.
template <typename Entry, size_t N>
const Entry* entryFor(const Entry (&entries)[N], uint32_t character) {
  const auto behind =
      std::upper_bound(std::begin(entries), std::end(entries), character,
                       [](uint32_t value, const Entry& entry) { return value < entry.first; });
  return behind == std::begin(entries) ? nullptr : std::prev(behind);
}

template <size_t N> bool isIn(const Range (&ranges)[N], uint32_t character) {
  const Range* range = entryFor(ranges, character);
  return range != nullptr && character <= range->last;
}

// Bytes of a character that starts with this byte; 0 if no character does.
size_t lengthOf(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

} // namespace

uint32_t takeLongCharacter(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const size_t length = lengthOf(first);
  uint32_t character = length < 2 ? first : first & (0x7fu >> length);
  for (size_t at = 1; at < length; at++) {
    const auto next = at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
    if ((next & 0xc0) != 0x80) {
      text.remove_prefix(at);
      return kNoCharacter;
    }
    character = character << 6 | (next & 0x3f);
  }
  text.remove_prefix(std::max<size_t>(length, 1));
  return length == 0 ? kNoCharacter : character;
}

void appendLongCharacter(uint32_t character, std::string& into) {
  const auto tail = [](uint32_t bits) { return static_cast<char>(0x80 | (bits & 0x3f)); };
  if (character < 0x800) {
    into += {static_cast<char>(0xc0 | character >> 6), tail(character)};
  } else if (character < 0x10000) {
    into += {static_cast<char>(0xe0 | character >> 12), tail(character >> 6), tail(character)};
  } else {
    into += {static_cast<char>(0xf0 | character >> 18), tail(character >> 12), tail(character >> 6),
             tail(character)};
  }
}

size_t countCharacters(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); count++) takeCharacter(text);
  return count;
}

std::string_view firstCharacters(std::string_view text, size_t count) {
  std::string_view left = text;
  for (size_t at = 0; at < count && !left.empty(); at++) takeCharacter(left);
  return text.substr(0, text.size() - left.size());
}

bool isLongWordCharacter(uint32_t character) { return isIn(kWordCharacters, character); }

bool isWhiteSpace(uint32_t character) {
  return character == ' ' || (character >= 9 && character <= 13) || character == 0x85 ||
         character == 0xa0 || character == 0x1680 || (character >= 0x2000 && character <= 0x200a) ||
         character == 0x2028 || character == 0x2029 || character == 0x202f || character == 0x205f ||
         character == 0x3000;
}

bool isOfUnspacedScript(uint32_t character) {
  return character >= kUnspacedScripts[0].first && isIn(kUnspacedScripts, character);
}

uint32_t lowerCaseLong(uint32_t character) {
  const LowerRun* run = entryFor(kLowerRuns, character);
  if (run == nullptr || character > run->last || (character - run->first) % run->step != 0)
    return character;
  return static_cast<uint32_t>(static_cast<int32_t>(character) + run->delta);
}

const char* asciiFold(uint32_t character) {
  if (character < 0x80) return nullptr;
  const auto found =
      std::lower_bound(std::begin(kFolds), std::end(kFolds), character,
                       [](const Fold& fold, uint32_t value) { return fold.character < value; });
  return found != std::end(kFolds) && found->character == character ? found->ascii : nullptr;
}

} // namespace vicinal
