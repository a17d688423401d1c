// Texts as tokens.
#include "text/text_analyzer.hpp"
#include "filter/text_query.hpp"
#include "test/harness.hpp"
#include "text/characters.hpp"

using namespace vicinal;
using namespace vicinal::test;

namespace {

// Tokens in order; additional tokens in brackets.
std::string tokens(const TextOptions& options, std::string_view text, bool isQuery = false) {
  std::string all;
  const TextAnalyzer analyzer(options);
  const auto visit = [&](std::string_view token, bool isExtra) {
    all += all.empty() ? "" : " ";
    all += (isExtra ? "(" : "") + std::string(token) + (isExtra ? ")" : "");
  };
  isQuery ? analyzer.ofQuery(text, visit) : analyzer.ofDocument(text, visit);
  return all;
}

bool holds(const TextQuery& query, const std::vector<std::string>& texts) {
  TextMatch match(query);
  for (const std::string& text : texts) match.add(text);
  return match.holds();
}

} // namespace

SOLO_TEST("words are split at spaces and punctuation and lower-cased") {
  TextOptions options;
  CHECK_EQUAL(
      tokens(options, "Hello, W\xc3\x96RLD! \xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 x2"),
      "hello w\xc3\xb6rld \xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 x2");
  CHECK_EQUAL(tokens(options, ""), "");
  CHECK_EQUAL(tokens(options, " .,;"), "");
  options.tokenizer = Tokenizer::Whitespace;
  CHECK_EQUAL(tokens(options, "Hello,  W\xc3\x96RLD!\n"), "hello, w\xc3\xb6rld!");
  options.isLowerCased = false;
  CHECK_EQUAL(tokens(options, "Hello,\xe3\x80\x80World"), "Hello, World");
}

SOLO_TEST("ASCII folding removes accents of precomposed letters and combining marks") {
  TextOptions options;
  options.isFolded = true;
  CHECK_EQUAL(tokens(options, "A\xc3\xa7\xc3\xa3o stra\xc3\x9f"
                              "e \xc3\x86on e\xcc\x81t\xc3\xa9 \xc5\x81\xc3\xb3"
                              "d\xc5\xba"),
              "acao strasse aeon ete lodz");
}

SOLO_TEST("stop words and words outside the length bounds are dropped after lower-casing and "
          "before stemming") {
  TextOptions options;
  options.stopwords = {"and", "the"};
  options.minLength = 3;
  options.maxLength = 5;
  CHECK_EQUAL(tokens(options, "The cat and a zebra, elephants"), "cat zebra");
  options.stemmer = StemLanguage::English;
  CHECK_EQUAL(tokens(options, "elephants running happily"), "eleph run");
}

SOLO_TEST("stems equal those of Snowball") {
  const auto stem = [](StemLanguage language, std::string word) {
    vicinal::stem(word, language);
    return word;
  };
  CHECK_EQUAL(stem(StemLanguage::English, "generously"), "generous");
  CHECK_EQUAL(stem(StemLanguage::German, "aufeinanderfolgenden"), "aufeinanderfolg");
  CHECK_EQUAL(stem(StemLanguage::French, "continuellement"), "continuel");
  CHECK_EQUAL(stem(StemLanguage::Russian, "\xd0\xb2\xd0\xb0\xd0\xb6\xd0\xbd\xd0\xb0\xd1\x8f"),
              "\xd0\xb2\xd0\xb0\xd0\xb6\xd0\xbd");
  CHECK_EQUAL(stem(StemLanguage::None, "words"), "words");
  // For any bytes, nothing is read past the end.
  std::string bytes;
  for (int byte = 255; byte > 0; byte--) bytes += static_cast<char>(byte);
  for (uint8_t language = 0; language < kStemLanguages; language++)
    for (size_t length = 0; length < bytes.size(); length += 3)
      (void)stem(static_cast<StemLanguage>(language), bytes.substr(bytes.size() - length));
}

SOLO_TEST("a document has all prefixes of its words, a query only the longest one") {
  TextOptions options;
  options.tokenizer = Tokenizer::Prefix;
  options.minLength = 2;
  options.maxLength = 4;
  CHECK_EQUAL(tokens(options, "hello \xd0\xbc\xd0\xb8\xd1\x80 a"),
              "he hel hell \xd0\xbc\xd0\xb8 \xd0\xbc\xd0\xb8\xd1\x80");
  CHECK_EQUAL(tokens(options, "hello he a", true), "hell he");
  options.maxLength = UINT32_MAX;
  const std::string endless(1 << 20, 'x');
  size_t count = 0, bytes = 0;
  TextAnalyzer(options).ofDocument(endless, [&](std::string_view token, bool) {
    count++;
    bytes += token.size();
  });
  CHECK_EQUAL(count, size_t(TextAnalyzer::kMostPrefix - 1));
  CHECK(bytes < 4096);
}

SOLO_TEST("a word of a megabyte is cut to its first kilobyte and read once") {
  TextOptions options;
  options.stemmer = StemLanguage::Turkish;
  const std::string endless(1 << 20, 'x');
  CHECK_EQUAL(tokens(options, endless + "a").size(), TextAnalyzer::kMostWordBytes);
  CHECK(holds(TextQuery(options, TextMode::All, endless), {"y", endless}));
}

SOLO_TEST("tokens of scripts without spaces are characters and pairs of characters") {
  TextOptions options;
  options.tokenizer = Tokenizer::Multilingual;
  const std::string a = "\xe6\x98\x9f", b = "\xe6\x9c\x9f", c = "\xe4\xb8\x80";
  CHECK_EQUAL(tokens(options, a + b + c + "x"),
              "(" + a + ") " + a + b + " (" + b + ") " + b + c + " (" + c + ") x");
  CHECK_EQUAL(tokens(options, a + b + c, true), a + b + " " + b + c);
  CHECK_EQUAL(tokens(options, a, true), a);
  CHECK(holds(TextQuery(options, TextMode::All, b + c), {a + b + c}));
  CHECK(!holds(TextQuery(options, TextMode::All, c + b), {a + b + c}));
  CHECK(holds(TextQuery(options, TextMode::Phrase, a + b + c), {a + b + c}));
}

SOLO_TEST("queries match all tokens, any token, or a phrase") {
  const TextOptions options;
  const std::vector<std::string> fox = {"The quick brown", "fox"};
  CHECK(holds(TextQuery(options, TextMode::All, "FOX quick"), fox));
  CHECK(!holds(TextQuery(options, TextMode::All, "fox cat"), fox));
  CHECK(holds(TextQuery(options, TextMode::Any, "fox cat"), fox));
  CHECK(holds(TextQuery(options, TextMode::Phrase, "brown fox"), fox));
  CHECK(!holds(TextQuery(options, TextMode::Phrase, "quick fox"), fox));
  CHECK(holds(TextQuery(options, TextMode::Phrase, "a b a c"), {"a b a b a c"}));
  for (const TextMode mode : {TextMode::All, TextMode::Any, TextMode::Phrase}) {
    CHECK(!holds(TextQuery(options, mode, " , "), fox));
    CHECK(!holds(TextQuery(options, mode, "x"), {}));
  }
}

SOLO_TEST("invalid UTF-8 separates words and is never read past the end") {
  TextOptions options;
  options.isFolded = true;
  options.tokenizer = Tokenizer::Multilingual;
  for (const std::string_view broken : {"\xe6\x98", "\xff\xfe", "\xc3", "\x80", "\xf0\x9f\x98"}) {
    const std::string text = "ab" + std::string(broken);
    CHECK_EQUAL(tokens(options, text), "ab");
    CHECK_EQUAL(tokens(options, text + " cd"), "ab cd");
  }
}
