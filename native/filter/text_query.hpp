// What a full-text condition asks of a field: some tokens, put to all texts of the field as if they
// stood one behind the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/text_analyzer.hpp"

namespace vicinal {

enum class TextMode : uint8_t { All, Any, Phrase };

class TextQuery {
public:
  TextQuery(TextOptions options, TextMode mode, std::string_view text);

  const TextAnalyzer& analyzer() const { return analyzer_; }
  TextMode mode() const { return mode_; }
  // Distinct. Without any, nothing matches.
  const std::vector<std::string>& tokens() const { return tokens_; }
  // Whether who has all tokens matches, or one of them, as the mode says.
  bool isSetOnly() const { return mode_ != TextMode::Phrase || phrase_.size() < 2; }
  bool operator==(const TextQuery& other) const;

private:
  friend class TextMatch;

  const TextAnalyzer analyzer_;
  const TextMode mode_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string_view, uint32_t> numbers_;
  // Tokens as they follow each other, and for each how much of the phrase's beginning it ends
  // (Knuth, Morris and Pratt).
  std::vector<uint32_t> phrase_;
  std::vector<uint32_t> fallback_;
};

// The texts of one row, one after the other.
class TextMatch {
public:
  explicit TextMatch(const TextQuery& query);

  void add(std::string_view text);
  bool holds() const;

private:
  void see(std::string_view token, bool isExtra);

  const TextQuery& query_;
  std::vector<bool> seen_;
  size_t missing_;
  size_t phraseAt_ = 0;
  bool hasPhrase_ = false;
};

} // namespace vicinal
