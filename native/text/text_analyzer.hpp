// Texts as tokens: what a text index holds of a document, and what a full-text condition asks for.
// One implementation for both, so that they agree.
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
  // Characters of a token; one of another length is left out.
  uint32_t minLength = 0;
  uint32_t maxLength = UINT32_MAX;
  StemLanguage stemmer = StemLanguage::None;
  // Ascending; left out, before they are stemmed.
  std::vector<std::string> stopwords;

  bool operator==(const TextOptions&) const = default;
};

// From any thread.
class TextAnalyzer {
public:
  // A longer word counts by its first bytes.
  static constexpr size_t kMostWordBytes = 1024;
  // Longer prefixes are not told apart.
  static constexpr uint32_t kMostPrefix = 64;

  // `isExtra`: the token stands beside the others, not between them, so phrases do not see it.
  using Visit = std::function<void(std::string_view token, bool isExtra)>;

  explicit TextAnalyzer(TextOptions options);

  // With the prefix tokenizer a document's words are all their prefixes, a query's the longest one;
  // of unspaced scripts a document has the characters beside the pairs of them.
  void ofDocument(std::string_view text, const Visit& visit) const;
  void ofQuery(std::string_view text, const Visit& visit) const;

  // Whether a query's tokens are what its words are one by one, each giving one or none.
  bool isByWord() const {
    return options_.tokenizer == Tokenizer::Word || options_.tokenizer == Tokenizer::Whitespace;
  }
  // The words as they stand in the text: `ofQuery` of one gives what it is a token of.
  void wordsOf(std::string_view text, const std::function<void(std::string_view)>& visit) const;

  const TextOptions& options() const { return options_; }
  // No other analyzer of this process has it.
  uint64_t number() const { return number_; }

private:
  struct Call;

  void split(std::string_view text, Call& call) const;
  void word(std::string_view raw, Call& call) const;
  void prefixes(const std::string& word, Call& call) const;
  // Neighbours of unspaced scripts, each pair of them.
  void unspaced(std::string_view run, Call& call) const;
  void token(std::string_view token, bool isExtra, Call& call) const;
  bool normalize(std::string_view raw, Call& call) const;
  bool isStopword(std::string_view token) const;

  const TextOptions options_;
  const uint64_t number_;
  // Of each first byte, which lengths stop words have that begin with it, a bit each: most words
  // are told by it to be none.
  std::array<uint32_t, 256> stopwordLengths_{};
};

} // namespace vicinal
