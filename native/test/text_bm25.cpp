// The token ids of query words, which threads cache.
#include "text/bm25.hpp"

#include <algorithm>
#include <random>

#include "test/harness.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

// Like `weighTokens` of a query, token by token without the cache.
std::vector<uint32_t> idsOf(const TextAnalyzer& analyzer, std::string_view text) {
  std::vector<uint32_t> ids;
  analyzer.ofQuery(text, [&](std::string_view token, bool) { ids.push_back(tokenId(token)); });
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

bool isAsUnknown(const TextAnalyzer& analyzer, std::string_view text) {
  const std::vector<TokenWeight> tokens = weighTokens(analyzer, text, nullptr);
  const std::vector<uint32_t> ids = idsOf(analyzer, text);
  return std::equal(tokens.begin(), tokens.end(), ids.begin(), ids.end(),
                    [](const TokenWeight& a, uint32_t b) { return a.id == b && a.weight == 1; });
}

TextAnalyzer analyzerOf(Tokenizer tokenizer, StemLanguage stemmer) {
  TextOptions options;
  options.tokenizer = tokenizer;
  options.stemmer = stemmer;
  options.stopwords = {"a", "and", "the", "of"};
  options.maxLength = 20;
  return TextAnalyzer(options);
}

} // namespace

// Few letters, so that words repeat and have equal beginnings and ends.
SOLO_TEST("cached query words give the same tokens as new ones") {
  const TextAnalyzer analyzers[] = {analyzerOf(Tokenizer::Word, StemLanguage::English),
                                    analyzerOf(Tokenizer::Word, StemLanguage::None),
                                    analyzerOf(Tokenizer::Whitespace, StemLanguage::English),
                                    analyzerOf(Tokenizer::Prefix, StemLanguage::None),
                                    analyzerOf(Tokenizer::Multilingual, StemLanguage::None)};
  const char* const letters[] = {"a", "s", "G", "-", "\xc3\xa9", "\xe6\x97\xa5"};
  std::mt19937 random(11);
  for (int round = 0; round < 20'000; round++) {
    std::string text;
    for (uint32_t words = random() % 4; words < 4; words++) {
      for (uint32_t length = random() % 20; length < 20; length++)
        text += letters[std::min<uint32_t>(random() % 12 / 2, 5)];
      text += random() % 8 == 0 ? " the " : " ";
    }
    for (const TextAnalyzer& analyzer : analyzers) CHECK(isAsUnknown(analyzer, text));
  }
}

SOLO_TEST("separators of any kind split the words of a query") {
  const auto words = [](Tokenizer tokenizer, std::string_view text) {
    std::string all;
    analyzerOf(tokenizer, StemLanguage::None).wordsOf(text, [&](std::string_view word) {
      all += "[" + std::string(word) + "]";
    });
    return all;
  };
  CHECK_EQUAL(words(Tokenizer::Word, " The Cat, x2\xc3\x96!\xff"), "[The][Cat][x2\xc3\x96]");
  CHECK_EQUAL(words(Tokenizer::Whitespace, "The Cat, x2!"), "[The][Cat,][x2!]");
  CHECK_EQUAL(words(Tokenizer::Word, ""), "");
}
