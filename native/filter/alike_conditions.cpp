#include "filter/alike_conditions.hpp"

#include <iterator>
#include <string>
#include <unordered_map>

#include "filter/value_set.hpp"

namespace vicinal {

namespace {

// In shorter lists, indexes answer the conditions one by one and cache the answers.
constexpr size_t kLeastJoined = 16;
constexpr uint64_t kUnitsPerJoined = 512;

bool isJoined(FilterOp op) {
  return op == FilterOp::Match || op == FilterOp::Contains || op == FilterOp::StartsWith ||
         op == FilterOp::Nested || op == FilterOp::HasId;
}

// Conditions with the same key can be joined.
std::string keyOf(const FilterNode& node) {
  std::string key(1, static_cast<char>(node.op));
  for (const PathStep& step : node.path.steps()) {
    key += static_cast<char>(step.kind);
    key += std::to_string(step.kind == PathStep::Kind::Key ? step.key.size() : step.index);
    key += ':';
    key += step.key;
  }
  return key;
}

template <typename T> void append(std::vector<T>& into, std::vector<T>& from) {
  into.insert(into.end(), std::make_move_iterator(from.begin()),
              std::make_move_iterator(from.end()));
}

void join(FilterNode& into, FilterNode& from) {
  append(into.values.texts, from.values.texts);
  append(into.values.integers, from.values.integers);
  into.values.hasTrue |= from.values.hasTrue;
  into.values.hasFalse |= from.values.hasFalse;
  append(into.ids, from.ids);
  append(into.children, from.children);
}

// Completes a joined condition after all conditions have been added to it.
bool finish(FilterNode& node, WorkMeter& work) {
  if (node.op == FilterOp::Nested && node.children.size() > 1) {
    FilterNode any;
    any.op = FilterOp::Any;
    any.children = std::move(node.children);
    if (!joinAlike(any.children, false, work)) return false;
    node.children.clear();
    node.children.push_back(std::move(any));
    return true;
  }
  return makeSet(node.values.texts, work) && makeSet(node.values.integers, work) &&
         makeSet(node.ids, work);
}

} // namespace

bool joinAlike(std::vector<FilterNode>& conditions, bool isNegated, WorkMeter& work) {
  if (conditions.size() < kLeastJoined) return true;
  const auto joinable = [&](FilterNode& node) -> FilterNode* {
    if (isNegated && node.op != FilterOp::Not) return nullptr;
    FilterNode& condition = isNegated ? node.children[0] : node;
    return isJoined(condition.op) ? &condition : nullptr;
  };
  std::vector<FilterNode> kept;
  // For each key: the position of its first condition in `kept`, and how many were joined to it.
  std::unordered_map<std::string, std::pair<size_t, size_t>> known;
  for (FilterNode& node : conditions) {
    if (!work.spend(kUnitsPerJoined)) return false;
    FilterNode* const condition = joinable(node);
    if (condition != nullptr) {
      const auto [place, isNew] = known.try_emplace(keyOf(*condition), kept.size(), 0);
      if (!isNew) {
        join(*joinable(kept[place->second.first]), *condition);
        place->second.second++;
        continue;
      }
    }
    kept.push_back(std::move(node));
  }
  conditions = std::move(kept);
  for (const auto& [key, place] : known)
    if (place.second > 0 && !finish(*joinable(conditions[place.first]), work)) return false;
  return true;
}

} // namespace vicinal
