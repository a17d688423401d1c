#include "text/text_analyzer.hpp"

#include <algorithm>
#include <atomic>

#include "text/characters.hpp"

namespace vicinal {

struct TextAnalyzer::Call {
  bool isQuery;
  const Visit& visit;
  // The current word.
  std::string word;
};

namespace {

std::atomic<uint64_t> nextNumber{1};

uint32_t lengthBit(std::string_view word) {
  return uint32_t(1) << std::min<size_t>(word.size(), 31);
}

bool isCombiningMark(uint32_t character) { return character >= 0x300 && character <= 0x36f; }

std::string_view cut(std::string_view word) {
  if (word.size() <= TextAnalyzer::kMostWordBytes) return word;
  size_t end = TextAnalyzer::kMostWordBytes;
  while (end > 0 && (static_cast<unsigned char>(word[end]) & 0xc0) == 0x80) end--;
  return word.substr(0, end);
}

} // namespace

TextAnalyzer::TextAnalyzer(TextOptions options)
    : options_(std::move(options)), number_(nextNumber.fetch_add(1)) {
  for (const std::string& word : options_.stopwords)
    if (!word.empty()) stopwordLengths_[static_cast<unsigned char>(word[0])] |= lengthBit(word);
}

void TextAnalyzer::ofDocument(std::string_view text, const Visit& visit) const {
  Call call{false, visit, {}};
  split(text, call);
}

void TextAnalyzer::ofQuery(std::string_view text, const Visit& visit) const {
  Call call{true, visit, {}};
  split(text, call);
}

void TextAnalyzer::wordsOf(std::string_view text,
                           const std::function<void(std::string_view)>& visit) const {
  const bool isByWhiteSpace = options_.tokenizer == Tokenizer::Whitespace;
  const char* begin = nullptr;
  for (std::string_view left = text; !left.empty();) {
    const char* at = left.data();
    const uint32_t character = takeCharacter(left);
    const bool isPart = isByWhiteSpace ? !isWhiteSpace(character) : isWordCharacter(character);
    if (isPart == (begin != nullptr)) continue;
    if (!isPart) visit({begin, static_cast<size_t>(at - begin)});
    begin = isPart ? at : nullptr;
  }
  if (begin != nullptr) visit({begin, static_cast<size_t>(text.data() + text.size() - begin)});
}

void TextAnalyzer::split(std::string_view text, Call& call) const {
  const auto isPart = [&](uint32_t character) {
    return options_.tokenizer == Tokenizer::Whitespace ? !isWhiteSpace(character)
                                                       : isWordCharacter(character);
  };
  const bool isMultilingual = options_.tokenizer == Tokenizer::Multilingual;
  // Start of the current word, and whether its script has no spaces.
  const char* begin = nullptr;
  bool isUnspaced = false;
  const auto finish = [&](const char* end) {
    if (begin == nullptr) return;
    const std::string_view found(begin, static_cast<size_t>(end - begin));
    if (isUnspaced)
      unspaced(found, call);
    else
      word(found, call);
    begin = nullptr;
  };
  for (std::string_view left = text; !left.empty();) {
    const char* at = left.data();
    const uint32_t character = takeCharacter(left);
    if (!isPart(character)) {
      finish(at);
      continue;
    }
    const bool isOfUnspaced = isMultilingual && isOfUnspacedScript(character);
    if (isOfUnspaced != isUnspaced) finish(at);
    if (begin == nullptr) begin = at;
    isUnspaced = isOfUnspaced;
  }
  finish(text.data() + text.size());
}

void TextAnalyzer::word(std::string_view raw, Call& call) const {
  if (!normalize(cut(raw), call)) return;
  std::string& word = call.word;
  const bool isPrefix = options_.tokenizer == Tokenizer::Prefix;
  // A stop word that is still being typed may become another word.
  if (!(isPrefix && call.isQuery) && isStopword(word)) return;
  stem(word, options_.stemmer);
  if (isPrefix) return prefixes(word, call);
  token(word, false, call);
}

void TextAnalyzer::prefixes(const std::string& word, Call& call) const {
  const uint32_t most = std::min(options_.maxLength, kMostPrefix);
  const uint32_t least = std::max(options_.minLength, 1u);
  const auto length = static_cast<uint32_t>(std::min<size_t>(countCharacters(word), most));
  if (length < least) return;
  for (uint32_t count = call.isQuery ? length : least; count <= length; count++)
    call.visit(firstCharacters(word, count), false);
}

void TextAnalyzer::unspaced(std::string_view run, Call& call) const {
  std::string_view left = run;
  const char* first = left.data();
  takeCharacter(left);
  if (left.empty() || !call.isQuery)
    token({first, size_t(left.data() - first)}, !left.empty(), call);
  while (!left.empty()) {
    const char* second = left.data();
    takeCharacter(left);
    token({first, static_cast<size_t>(left.data() - first)}, false, call);
    if (!call.isQuery) token({second, static_cast<size_t>(left.data() - second)}, true, call);
    first = second;
  }
}

void TextAnalyzer::token(std::string_view token, bool isExtra, Call& call) const {
  const size_t length = countCharacters(token);
  if (length < options_.minLength || length > options_.maxLength) return;
  if (options_.tokenizer == Tokenizer::Multilingual && isStopword(token)) return;
  call.visit(token, isExtra);
}

bool TextAnalyzer::normalize(std::string_view raw, Call& call) const {
  call.word.clear();
  for (std::string_view left = raw; !left.empty();) {
    uint32_t character = takeCharacter(left);
    if (options_.isFolded) {
      if (isCombiningMark(character)) continue;
      if (const char* ascii = asciiFold(character); ascii != nullptr) {
        for (; *ascii != 0; ascii++)
          appendCharacter(options_.isLowerCased ? lowerCase(static_cast<uint32_t>(*ascii))
                                                : static_cast<uint32_t>(*ascii),
                          call.word);
        continue;
      }
    }
    if (options_.isLowerCased) character = lowerCase(character);
    appendCharacter(character, call.word);
  }
  return !call.word.empty();
}

bool TextAnalyzer::isStopword(std::string_view token) const {
  if (!token.empty() &&
      (stopwordLengths_[static_cast<unsigned char>(token[0])] & lengthBit(token)) == 0)
    return false;
  return std::binary_search(options_.stopwords.begin(), options_.stopwords.end(), token,
                            std::less<>());
}

} // namespace vicinal
