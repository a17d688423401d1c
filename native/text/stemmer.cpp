#include "text/stemmer.hpp"

#include <array>
#include <cstring>
#include <functional>
#include <iterator>
#include <memory>
#include <string_view>

extern "C" {
#include "snowball/runtime/api.h"
}
#include "snowball/src_c/stem_UTF_8_arabic.h"
#include "snowball/src_c/stem_UTF_8_armenian.h"
#include "snowball/src_c/stem_UTF_8_danish.h"
#include "snowball/src_c/stem_UTF_8_dutch.h"
#include "snowball/src_c/stem_UTF_8_english.h"
#include "snowball/src_c/stem_UTF_8_finnish.h"
#include "snowball/src_c/stem_UTF_8_french.h"
#include "snowball/src_c/stem_UTF_8_german.h"
#include "snowball/src_c/stem_UTF_8_greek.h"
#include "snowball/src_c/stem_UTF_8_hungarian.h"
#include "snowball/src_c/stem_UTF_8_italian.h"
#include "snowball/src_c/stem_UTF_8_norwegian.h"
#include "snowball/src_c/stem_UTF_8_portuguese.h"
#include "snowball/src_c/stem_UTF_8_romanian.h"
#include "snowball/src_c/stem_UTF_8_russian.h"
#include "snowball/src_c/stem_UTF_8_spanish.h"
#include "snowball/src_c/stem_UTF_8_swedish.h"
#include "snowball/src_c/stem_UTF_8_tamil.h"
#include "snowball/src_c/stem_UTF_8_turkish.h"

namespace vicinal {

namespace {

struct Algorithm {
  SN_env* (*create)();
  void (*close)(SN_env*);
  int (*stem)(SN_env*);
};

constexpr Algorithm kAlgorithms[] = {
    {arabic_UTF_8_create_env, arabic_UTF_8_close_env, arabic_UTF_8_stem},
    {armenian_UTF_8_create_env, armenian_UTF_8_close_env, armenian_UTF_8_stem},
    {danish_UTF_8_create_env, danish_UTF_8_close_env, danish_UTF_8_stem},
    {dutch_UTF_8_create_env, dutch_UTF_8_close_env, dutch_UTF_8_stem},
    {english_UTF_8_create_env, english_UTF_8_close_env, english_UTF_8_stem},
    {finnish_UTF_8_create_env, finnish_UTF_8_close_env, finnish_UTF_8_stem},
    {french_UTF_8_create_env, french_UTF_8_close_env, french_UTF_8_stem},
    {german_UTF_8_create_env, german_UTF_8_close_env, german_UTF_8_stem},
    {greek_UTF_8_create_env, greek_UTF_8_close_env, greek_UTF_8_stem},
    {hungarian_UTF_8_create_env, hungarian_UTF_8_close_env, hungarian_UTF_8_stem},
    {italian_UTF_8_create_env, italian_UTF_8_close_env, italian_UTF_8_stem},
    {norwegian_UTF_8_create_env, norwegian_UTF_8_close_env, norwegian_UTF_8_stem},
    {portuguese_UTF_8_create_env, portuguese_UTF_8_close_env, portuguese_UTF_8_stem},
    {romanian_UTF_8_create_env, romanian_UTF_8_close_env, romanian_UTF_8_stem},
    {russian_UTF_8_create_env, russian_UTF_8_close_env, russian_UTF_8_stem},
    {spanish_UTF_8_create_env, spanish_UTF_8_close_env, spanish_UTF_8_stem},
    {swedish_UTF_8_create_env, swedish_UTF_8_close_env, swedish_UTF_8_stem},
    {tamil_UTF_8_create_env, tamil_UTF_8_close_env, tamil_UTF_8_stem},
    {turkish_UTF_8_create_env, turkish_UTF_8_close_env, turkish_UTF_8_stem},
};
static_assert(std::size(kAlgorithms) + 1 == kStemLanguages);

const Algorithm& algorithmOf(StemLanguage language) {
  return kAlgorithms[static_cast<size_t>(language) - 1];
}

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
  ~ThreadStemmer() {
    if (env_ != nullptr) algorithmOf(language_).close(env_);
  }
  ThreadStemmer(const ThreadStemmer&) = delete;
  ThreadStemmer& operator=(const ThreadStemmer&) = delete;

  void stem(std::string& word) {
    Known* const known = word.size() <= kMostBytes ? &known_[slotOf(word)] : nullptr;
    if (known != nullptr && known->isOf(word)) {
      word.assign(known->stem, known->stemBytes);
      return;
    }
    if (env_ == nullptr) env_ = algorithmOf(language_).create();
    if (env_ == nullptr) return;
    const auto* bytes = reinterpret_cast<const symbol*>(word.data());
    if (SN_set_current(env_, static_cast<int>(word.size()), bytes) != 0) return;
    if (algorithmOf(language_).stem(env_) < 0 || env_->l <= 0) return;
    const std::string_view stem(reinterpret_cast<const char*>(env_->p),
                                static_cast<size_t>(env_->l));
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
  SN_env* env_ = nullptr;
  std::array<Known, kSlots> known_{};
};

} // namespace

void stem(std::string& word, StemLanguage language) {
  // An empty word has no stem, and it would match a free slot.
  if (language != StemLanguage::None && !word.empty()) ThreadStemmer::of(language).stem(word);
}

} // namespace vicinal
