#include "text/stemmer.hpp"

#include <array>
#include <cstring>
#include <functional>
#include <iterator>
#include <memory>
#include <string_view>

#include <libstemmer.h>

namespace vicinal {

namespace {

constexpr const char* kNames[] = {
    "arabic",  "armenian", "danish",    "dutch",   "english",   "finnish",    "french",
    "german",  "greek",    "hungarian", "italian", "norwegian", "portuguese", "romanian",
    "russian", "spanish",  "swedish",   "tamil",   "turkish",
};
static_assert(std::size(kNames) + 1 == kStemLanguages);

struct DeleteStemmer {
  void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
};

// The stemmer of one thread for its latest language: the algorithm, and a cache of recent words.
// Most words of a text repeat, and stemming a word takes ten times as long as finding it here.
class ThreadStemmer {
public:
  static ThreadStemmer& of(StemLanguage language) {
    thread_local std::unique_ptr<ThreadStemmer> stemmer;
    if (stemmer == nullptr || stemmer->language_ != language)
      stemmer = std::make_unique<ThreadStemmer>(language);
    return *stemmer;
  }

  explicit ThreadStemmer(StemLanguage language) : language_(language) {}

  void stem(std::string& word) {
    Known* const known = word.size() <= kMostBytes ? &known_[slotOf(word)] : nullptr;
    if (known != nullptr && known->isOf(word)) {
      word.assign(known->stem, known->stemBytes);
      return;
    }
    if (stemmer_ == nullptr)
      stemmer_.reset(sb_stemmer_new(kNames[static_cast<size_t>(language_) - 1], nullptr));
    if (stemmer_ == nullptr) return;
    const auto* const bytes = reinterpret_cast<const sb_symbol*>(word.data());
    const sb_symbol* const found =
        sb_stemmer_stem(stemmer_.get(), bytes, static_cast<int>(word.size()));
    const int length = found == nullptr ? 0 : sb_stemmer_length(stemmer_.get());
    if (length <= 0) return;
    const std::string_view stem(reinterpret_cast<const char*>(found), static_cast<size_t>(length));
    if (known != nullptr && stem.size() <= kMostBytes) known->put(word, stem);
    word.assign(stem);
  }

private:
  static constexpr size_t kMostBytes = 15;
  static constexpr size_t kSlots = 8192;
  // Two entries fit into a cache line.
  struct alignas(32) Known {
    uint8_t wordBytes = 0;
    uint8_t stemBytes = 0;
    char word[kMostBytes];
    char stem[kMostBytes];

    bool isOf(const std::string& asked) const {
      return wordBytes == asked.size() && std::memcmp(word, asked.data(), wordBytes) == 0;
    }
    void put(const std::string& asked, std::string_view found) {
      wordBytes = static_cast<uint8_t>(asked.size());
      stemBytes = static_cast<uint8_t>(found.size());
      std::memcpy(word, asked.data(), asked.size());
      std::memcpy(stem, found.data(), found.size());
    }
  };

  static size_t slotOf(const std::string& word) {
    return std::hash<std::string_view>{}(word) % kSlots;
  }

  const StemLanguage language_;
  std::unique_ptr<sb_stemmer, DeleteStemmer> stemmer_;
  std::array<Known, kSlots> known_{};
};

} // namespace

void stem(std::string& word, StemLanguage language) {
  // An empty word has no stem, and it would match a free slot.
  if (language != StemLanguage::None && !word.empty()) ThreadStemmer::of(language).stem(word);
}

} // namespace vicinal
