// The rows of a segment in id order, sorted when a scroll first needs them. Later rows are not
// included. Once there are many, the next scroll sorts again.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "segment/id_columns.hpp"

namespace vicinal {

class IdOrder {
public:
  using Rows = std::shared_ptr<const std::vector<uint32_t>>;

  // Returns sorted rows: all rows below the vector's size, which is at most `rows`.
  Rows of(const IdColumns& ids, uint32_t rows);
  uint64_t bytes() const;

private:
  mutable std::mutex mutex_;
  Rows sorted_ = std::make_shared<std::vector<uint32_t>>();
};

} // namespace vicinal
