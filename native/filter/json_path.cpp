#include "filter/json_path.hpp"

#include <charconv>

namespace vicinal {

namespace {

// Takes one key, quoted or bare, off the front of the text.
bool takeKey(std::string_view& text, std::string& key) {
  if (text.empty() || text[0] != '"') {
    const size_t length = std::min(text.find_first_of(".[]\""), text.size());
    key = text.substr(0, length);
    text.remove_prefix(length);
    return length > 0;
  }
  for (size_t at = 1; at < text.size(); at++) {
    if (text[at] == '"') {
      text.remove_prefix(at + 1);
      return true;
    }
    if (text[at] == '\\' && ++at == text.size()) return false;
    key += text[at];
  }
  return false;
}

bool takeBrackets(std::string_view& text, PathStep& step) {
  const size_t close = text.find(']');
  if (close == std::string_view::npos) return false;
  const std::string_view digits = text.substr(1, close - 1);
  text.remove_prefix(close + 1);
  step.kind = digits.empty() ? PathStep::Kind::Every : PathStep::Kind::Index;
  if (digits.empty()) return true;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), step.index);
  return error == std::errc() && end == digits.data() + digits.size();
}

} // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  const auto refuse = [&] {
    return Status(Code::InvalidArgument, "not a payload path: " + std::string(text.substr(0, 64)));
  };
  JsonPath path;
  std::string_view left = text;
  for (;;) {
    PathStep step;
    if (!takeKey(left, step.key) || path.steps_.size() == kMaxSteps) return refuse();
    path.steps_.push_back(std::move(step));
    while (!left.empty() && left[0] == '[') {
      PathStep element;
      if (!takeBrackets(left, element) || path.steps_.size() == kMaxSteps) return refuse();
      path.steps_.push_back(std::move(element));
    }
    if (left.empty()) return path;
    if (left[0] != '.') return refuse();
    left.remove_prefix(1);
  }
}

} // namespace vicinal
