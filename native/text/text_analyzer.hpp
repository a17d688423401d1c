// Splits texts into tokens for text indexes and for full-text conditions. Both use this one
// implementation, so they agree.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/stemmer.hpp"

namespace vicinal {

enum class Tokenizer : uint8_t { Word, Whitespace, Prefix, Multilingual };

struct TextOptions {
  Tokenizer tokenizer = Tokenizer::Word;
  bool isLowerCased = true;
  bool isFolded = false;
  // Length of a token in characters; tokens outside these bounds are dropped.
  uint32_t minLength = 0;
  uint32_t maxLength = UINT32_MAX;
  StemLanguage stemmer = StemLanguage::None;
  // Ascending order. Stop words are dropped before stemming.
  std::vector<std::string> stopwords;

  bool operator==(const TextOptions&) const = default;
};

// Usable from any thread.
class TextAnalyzer {
public:
  // A longer word is cut to its first bytes.
  static constexpr size_t kMostWordBytes = 1024;
  // Prefixes beyond this length are treated as equal.
  static constexpr uint32_t kMostPrefix = 64;

  // `isExtra`: the token is an addition to the others and has no position, so phrases ignore it.
  using Visit = std::function<void(std::string_view token, bool isExtra)>;

  explicit TextAnalyzer(TextOptions options);

  // With the prefix tokenizer, a document has every prefix of each word, a query only the longest
  // one. In unspaced scripts, a document has single characters in addition to pairs of characters.
  void ofDocument(std::string_view text, const Visit& visit) const;
  void ofQuery(std::string_view text, const Visit& visit) const;

  // Whether a query's tokens come from its words one by one, with at most one token for each.
  bool isByWord() const {
    return options_.tokenizer == Tokenizer::Word || options_.tokenizer == Tokenizer::Whitespace;
  }
  // Calls `visit` with the words as they stand in the text; `ofQuery` of a word gives its token.
  void wordsOf(std::string_view text, const std::function<void(std::string_view)>& visit) const;

  const TextOptions& options() const { return options_; }
  // Unique among the analyzers of this process.
  uint64_t number() const { return number_; }

private:
  struct Call;

  void split(std::string_view text, Call& call) const;
  void word(std::string_view raw, Call& call) const;
  void prefixes(const std::string& word, Call& call) const;
  // Visits each pair of neighbouring characters of an unspaced script.
  void unspaced(std::string_view run, Call& call) const;
  void token(std::string_view token, bool isExtra, Call& call) const;
  bool normalize(std::string_view raw, Call& call) const;
  bool isStopword(std::string_view token) const;

  const TextOptions options_;
  const uint64_t number_;
  // For each first byte, a bit for each length of the stop words that begin with it. For most words
  // this lookup already shows that they are no stop words.
  std::array<uint32_t, 256> stopwordLengths_{};
};

} // namespace vicinal
