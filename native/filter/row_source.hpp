// What filters see of a segment: rows with a payload text, an id and vectors. A segment implements
// it over one snapshot; for as long as it is used, answers do not change (the segment's overlays
// are locked, or copied).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/work_meter.hpp"
#include "filter/row_bitmap.hpp"

namespace vicinal {

// A point's id as the boundary spells it: kind, then four words.
using IdWords = std::array<uint32_t, 5>;

class RowSource {
public:
  explicit RowSource(const CancelFlag* cancel = nullptr) : work_(cancel) {}
  virtual ~RowSource() = default;

  // Of all that is asked about its rows. Once it has stopped, answers mean nothing.
  WorkMeter& work() const { return work_; }

  // Rows 0 to rows() - 1 are asked for.
  virtual uint32_t rows() const = 0;
  // The row's JSON text, empty where it has no payload.
  virtual std::string_view payload(uint32_t row) const = 0;
  virtual IdWords id(uint32_t row) const = 0;
  virtual bool hasVector(uint32_t row, uint32_t vector) const = 0;
  // Adds the rows whose payload is not the one that was appended with them. Payload indexes know
  // the appended ones, so their answers do not count for these rows.
  virtual void overlaidRows(RowBitmap& into) const = 0;
  // Adds the rows that have one of these ids. False where the source cannot tell; each row's id is
  // compared then.
  virtual bool locate(const IdWords* /*ids*/, size_t /*count*/, RowBitmap& /*into*/) const {
    return false;
  }

private:
  mutable WorkMeter work_;
};

} // namespace vicinal
