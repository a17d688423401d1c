// Rows of a condition: a set of its own, or one that an index keeps for whoever asks the same
// again, which is as good until somebody changes it.
#pragma once

#include <memory>
#include <utility>

#include "filter/answer_cache.hpp"
#include "filter/row_bitmap.hpp"

namespace vicinal {

class HeldRows {
public:
  // By value on purpose: whoever has a set gives it.
  HeldRows(RowBitmap own) : own_(std::move(own)) {}
  // Those of an answer that it is sure of.
  explicit HeldRows(std::shared_ptr<const IndexAnswer> kept) : kept_(std::move(kept)) {}

  const RowBitmap& rows() const { return kept_ ? kept_->sure : own_; }
  uint32_t count() const { return kept_ ? kept_->sureCount : own_.count(); }
  // To change them. What is kept is copied before.
  RowBitmap& own() {
    if (kept_) own_ = kept_->sure;
    kept_ = nullptr;
    return own_;
  }

private:
  RowBitmap own_;
  std::shared_ptr<const IndexAnswer> kept_;
};

} // namespace vicinal
