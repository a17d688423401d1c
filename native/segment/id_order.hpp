// The rows of a segment in the order of their ids, made when a scroll first asks for it. Rows that
// came later are not in it; when they have become many, the next scroll makes it anew.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "segment/id_columns.hpp"

namespace vicinal {

class IdOrder {
public:
  using Rows = std::shared_ptr<const std::vector<uint32_t>>;

  // Some of the first `rows` rows, sorted: all those below the vector's size.
  Rows of(const IdColumns& ids, uint32_t rows);
  uint64_t bytes() const;

private:
  mutable std::mutex mutex_;
  Rows sorted_ = std::make_shared<std::vector<uint32_t>>();
};

} // namespace vicinal
