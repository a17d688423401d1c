// The view that filters have of a segment: rows with payload, id and vectors. A segment implements
// it over one snapshot. While it is used, its answers do not change (the segment's overlays are
// locked or copied).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/work_meter.hpp"
#include "filter/row_bitmap.hpp"

namespace vicinal {

// A point's id as the native boundary spells it: kind, then four words.
using IdWords = std::array<uint32_t, 5>;

class RowSource {
public:
  explicit RowSource(const CancelFlag* cancel = nullptr) : work_(cancel) {}
  virtual ~RowSource() = default;

  // Counts the work of all questions about the rows. Once it has stopped, answers are meaningless.
  WorkMeter& work() const { return work_; }

  // Rows 0 to rows() - 1 may be asked for.
  virtual uint32_t rows() const = 0;
  // The row's payload as JSON text; empty if it has none.
  virtual std::string_view payload(uint32_t row) const = 0;
  virtual IdWords id(uint32_t row) const = 0;
  virtual bool hasVector(uint32_t row, uint32_t vector) const = 0;
  // Adds the rows whose payload has changed since they were appended. Payload indexes know only the
  // appended payloads, so their answers do not count for these rows.
  virtual void overlaidRows(RowBitmap& into) const = 0;
  // Adds the rows with one of these ids. False if the source cannot look up ids; the caller then
  // compares each row's id.
  virtual bool locate(const IdWords* /*ids*/, size_t /*count*/, RowBitmap& /*into*/) const {
    return false;
  }

private:
  mutable WorkMeter work_;
};

} // namespace vicinal
