// The part of a payload index that is mapped from a file: its first rows. segment/index_file reads
// and writes the file.
#pragma once

#include <span>
#include <string>

#include "base/region.hpp"
#include "filter/indexed_values.hpp"

namespace vicinal {

struct FiledIndex {
  std::string path;
  Region region;
  // The file covers rows [0, rows).
  uint32_t rows = 0;
  struct Flags {
    std::span<const uint64_t> words;
    uint32_t count = 0;
  };
  std::array<Flags, IndexedValues::kFlags> flags;
  FiledTexts texts;
  std::span<const int64_t> integers;
  std::span<const uint32_t> integerRows;
  std::span<const double> numbers;
  std::span<const uint32_t> numberRows;
};

} // namespace vicinal
