#include "binding/analyzers.hpp"

#include <deque>
#include <mutex>
#include <string>

#include "filter/program.hpp"

namespace vicinal::binding {

namespace {

constexpr size_t kMostKeptAnalyzers = 8;
constexpr size_t kMostKeptBytes = 64 << 10;

struct Kept {
  std::mutex mutex;
  std::deque<std::pair<std::string, std::shared_ptr<const TextAnalyzer>>> analyzers;
};

Kept& kept() {
  static Kept* const kept = new Kept;
  return *kept;
}

} // namespace

std::shared_ptr<const TextAnalyzer> analyzerOf(const uint8_t* options, size_t length) {
  const std::string_view key(reinterpret_cast<const char*>(options), length);
  auto& [mutex, analyzers] = kept();
  std::lock_guard lock(mutex);
  for (const auto& [known, analyzer] : analyzers)
    if (known == key) return analyzer;
  auto decoded = decodeTextOptions(options, length);
  if (!decoded) return nullptr;
  auto analyzer = std::make_shared<const TextAnalyzer>(decoded.take());
  if (length > kMostKeptBytes) return analyzer;
  if (analyzers.size() == kMostKeptAnalyzers) analyzers.pop_front();
  analyzers.emplace_back(key, analyzer);
  return analyzer;
}

} // namespace vicinal::binding
