// The codes of a vector space's rows, of one kind, as searches use them.
#pragma once

#include "quantize/code_kind.hpp"
#include "quantize/rabitq.hpp"
#include "quantize/sq8.hpp"

namespace vicinal {

// A vector in the form that codes are compared with. Its memory is reused.
struct CodeQuery {
  Sq8Query sq8;
  RabitqQuery rabitq;
};

class CodeSpace {
public:
  CodeSpace() = default;
  explicit CodeSpace(const Sq8Space& sq8) : kind_(CodeKind::Sq8), sq8_(sq8) {}
  explicit CodeSpace(const RabitqSpace& rabitq)
      : kind_(rabitq.bits() == 1 ? CodeKind::Rabitq1 : CodeKind::Rabitq4), rabitq_(rabitq) {}

  // Never Auto; None if the space has no codes.
  CodeKind kind() const { return kind_; }
  bool isSq8() const { return kind_ == CodeKind::Sq8; }
  // Empty if the codes are of another kind.
  const Sq8Space& sq8() const { return sq8_; }
  const RabitqSpace& rabitq() const { return rabitq_; }

  uint32_t stride() const { return isSq8() ? sq8_.stride() : rabitq_.stride(); }
  const uint8_t* row(uint32_t id) const { return isSq8() ? sq8_.row(id) : rabitq_.row(id); }

  void encode(uint32_t id, const float* vector) const {
    if (isSq8())
      sq8_.encode(id, vector);
    else
      rabitq_.encode(id, vector);
  }
  void prepare(const float* vector, CodeQuery& query) const {
    if (isSq8())
      sq8_.prepare(vector, query.sq8);
    else
      rabitq_.prepare(vector, query.rabitq);
  }
  // Distances to the rows `ids`.
  void distances(const CodeQuery& query, const uint32_t* ids, size_t count, float* out) const {
    if (isSq8())
      sq8_.distances(query.sq8, ids, count, out);
    else
      rabitq_.distances(query.rabitq, ids, count, out);
  }
  // Distances to `count` rows from `first` on.
  void scan(const CodeQuery& query, uint32_t first, size_t count, float* out) const {
    if (isSq8())
      sq8_.scan(query.sq8, first, count, out);
    else
      rabitq_.scan(query.rabitq, first, count, out);
  }

private:
  CodeKind kind_ = CodeKind::None;
  Sq8Space sq8_;
  RabitqSpace rabitq_;
};

} // namespace vicinal
