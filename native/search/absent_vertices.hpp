// Neighbour lists as they would be if one vertex, or a group of near twins, had never been
// inserted. A stored vector can then be searched for like a vector that is not stored.
//
// A list that names a hidden vertex would hold other vertices in its place. These are neighbours of
// the hidden vertex, nearer to it than to the list's owner, so it had displaced them. They are
// chosen as an insert would choose them (the heuristic of algorithm 4 of the HNSW paper). On words,
// glosses and mnist, walks for such hidden vectors find 0 to 1 % less than walks for vectors that
// were never inserted. A single substitute for the hidden vertex lost up to 2 %
// (docs/design/recall.md).
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "graph/hidden_vertices.hpp"
#include "graph/neighbor.hpp"
#include "segment/vector_space.hpp"

namespace vicinal {

class AbsentVertices final : public HiddenVertices {
public:
  // Compares by these codes; null: by vectors.
  AbsentVertices(const VectorSpace& space, std::shared_ptr<const CodeArray> codes,
                 std::vector<uint32_t> vertices)
      : HiddenVertices(std::move(vertices)), space_(space), codes_(std::move(codes)) {}

  size_t leave(uint32_t vertex, uint32_t* neighbours, size_t count, size_t most) override;
  // Returns whether all vectors could be read. Lists are kept; working memory is freed.
  Status endWalk();

private:
  // A vector in the form in which it is compared with others.
  struct From {
    std::vector<float> vector;
    CodeQuery query;
  };

  std::vector<uint32_t> listWithout(uint32_t vertex, const uint32_t* neighbours, size_t count,
                                    size_t most);
  // Whether the candidate is nearer to a vertex of the list than to the list's owner.
  bool isKeptAway(const Neighbor& candidate, const std::vector<uint32_t>& list);
  void distances(uint32_t from, const uint32_t* to, size_t count, float* out);
  const From& from(uint32_t vertex);

  const VectorSpace& space_;
  const std::shared_ptr<const CodeArray> codes_;
  std::unordered_map<uint32_t, std::vector<uint32_t>> lists_;
  std::unordered_map<uint32_t, From> from_;
  Status status_ = Status::ok();
};

} // namespace vicinal
