// Damaged files, with wrong checksums or with corrected ones, such as an untrusted snapshot may
// contain.
#pragma once

#include <cstdlib>
#include <iostream>
#include <iterator>

#include "base/status.hpp"
#include "block_bytes.hpp"

namespace vicinal::test {

class Damage {
public:
  Damage() : Damage(seedOfRun()) {}
  explicit Damage(unsigned seed) : random_(seed) {}

  // The seed of the run: `VICINAL_TEST_SEED`, or a random one. It is printed.
  static unsigned seedOfRun() {
    const char* given = std::getenv("VICINAL_TEST_SEED");
    const auto seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                                       : std::random_device()();
    std::cerr << "files that are nearly right: VICINAL_TEST_SEED=" << seed << "\n";
    return seed;
  }

  size_t below(size_t bound) { return random_() % bound; }

  // Changes one to four values in [from, to).
  void change(std::string& bytes, size_t from, size_t to) {
    for (size_t changes = 1 + below(4); changes > 0 && from < to; changes--) {
      const size_t at = from + below(to - from);
      static constexpr uint64_t edges[] = {0,
                                           1,
                                           2,
                                           0x7f,
                                           0xff,
                                           0x100,
                                           0xffff,
                                           0x7fffffff,
                                           0xffffffffu,
                                           0x10000000,
                                           uint64_t(1) << 40,
                                           ~uint64_t(0)};
      const uint64_t value = edges[below(std::size(edges))];
      const size_t length = std::min<size_t>(size_t(1) << below(4), to - at);
      switch (below(3)) {
      case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); break;
      case 1: bytes[at] = static_cast<char>(below(256)); break;
      default: std::memcpy(bytes.data() + at, &value, length); break;
      }
    }
  }

  // The file with a changed directory, header or content, mostly with corrected checksums.
  std::string of(const std::string& whole, bool forgesContents) {
    std::string bytes = whole;
    const uint64_t directoryAt = field<uint64_t>(whole, 24);
    const uint64_t blocksAt = field<uint64_t>(whole, 40);
    switch (below(8)) {
    case 0: change(bytes, 0, 64); break;
    case 1: change(bytes, kSectionAlignment, bytes.size()); return bytes;
    case 2: return bytes.substr(0, below(bytes.size()));
    case 3:
    case 4:
      if (forgesContents) {
        change(bytes, kSectionAlignment, directoryAt);
        break;
      }
      [[fallthrough]];
    default: change(bytes, directoryAt, blocksAt); break;
    }
    const bool isFramed = field<uint64_t>(bytes, 40) == blocksAt;
    if (isFramed) forge(bytes);
    return bytes;
  }

private:
  std::mt19937 random_;
};

inline bool isRefusal(const Status& status) {
  return status.code() == Code::Corrupt || status.code() == Code::UnsupportedFormat ||
         status.code() == Code::Overloaded || status.code() == Code::TooLarge;
}

} // namespace vicinal::test
