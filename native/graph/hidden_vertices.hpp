// Vertices that a walk treats as if they had never been inserted: one vertex, or a group of near
// twins.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace vicinal {

class HiddenVertices {
public:
  // `vertices` has at least one element.
  explicit HiddenVertices(std::vector<uint32_t> vertices) : vertices_(std::move(vertices)) {}
  virtual ~HiddenVertices() = default;

  const std::vector<uint32_t>& vertices() const { return vertices_; }
  bool hides(uint32_t vertex) const {
    return std::find(vertices_.begin(), vertices_.end(), vertex) != vertices_.end();
  }
  bool hidesAny(const uint32_t* vertices, size_t count) const {
    return std::any_of(vertices, vertices + count, [&](uint32_t id) { return hides(id); });
  }
  // Replaces the hidden ones among the level-0 neighbours of `vertex` by the neighbours that it
  // would have without them. Returns the new number, at most `most`.
  virtual size_t leave(uint32_t vertex, uint32_t* neighbours, size_t count, size_t most) = 0;

private:
  std::vector<uint32_t> vertices_;
};

} // namespace vicinal
