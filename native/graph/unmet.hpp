// The accepted vertices that a walk has yet to meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vicinal {

// One bit for each vertex: accepted and not met yet. One lookup answers both.
class Unmet {
public:
  // Starts with no vertex accepted; `vertices` is the number of vertices.
  void start(uint32_t vertices) {
    vertices_ = vertices;
    words_.assign((size_t(vertices) + 63) / 64, 0);
  }
  // Starts with a bitmap, 64 vertices a word.
  void start(uint32_t vertices, const std::vector<uint64_t>& accepted) {
    vertices_ = vertices;
    words_.assign(accepted.begin(), accepted.end());
    words_.resize((size_t(vertices) + 63) / 64, 0);
  }
  void accept(uint32_t vertex) { words_[vertex / 64] |= uint64_t(1) << (vertex % 64); }
  bool covers(uint32_t vertex) const { return vertex < vertices_; }
  // Removes the vertex; true if it was still there.
  bool take(uint32_t vertex) {
    uint64_t& word = words_[vertex / 64];
    const uint64_t bit = uint64_t(1) << (vertex % 64);
    const bool had = (word & bit) != 0;
    word &= ~bit;
    return had;
  }

private:
  uint32_t vertices_ = 0;
  std::vector<uint64_t> words_;
};

} // namespace vicinal
