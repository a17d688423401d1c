#include "filter/indexed_values.hpp"

namespace vicinal {

bool isUuidText(std::string_view text) {
  if (text.size() != 36) return false;
  const auto isHex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  for (size_t at = 0; at < text.size(); at++) {
    const bool isHyphen = at == 8 || at == 13 || at == 18 || at == 23;
    if (isHyphen ? text[at] != '-' : !isHex(text[at])) return false;
  }
  return true;
}

} // namespace vicinal
