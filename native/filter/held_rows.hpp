// The rows of a condition: an own set, or a cached answer that is shared until it must be changed.
#pragma once

#include <memory>
#include <utility>

#include "filter/answer_cache.hpp"
#include "filter/row_bitmap.hpp"

namespace vicinal {

class HeldRows {
public:
  // By value on purpose: the caller moves its set in.
  HeldRows(RowBitmap own) : own_(std::move(own)) {}
  // Shares the sure rows of a cached answer.
  explicit HeldRows(std::shared_ptr<const IndexAnswer> kept) : kept_(std::move(kept)) {}

  const RowBitmap& rows() const { return kept_ ? kept_->sure : own_; }
  uint32_t count() const { return kept_ ? kept_->sureCount : own_.count(); }
  // A set that the caller may change. A shared answer is copied first.
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
