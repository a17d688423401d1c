#include "segment/code_array.hpp"

namespace vicinal {

Result<std::shared_ptr<CodeArray>> CodeArray::create(Metric metric, uint32_t dim, uint64_t capacity,
                                                     std::shared_ptr<const Projection> projection) {
  if (!Sq8Space::supports(metric, dim)) return std::shared_ptr<CodeArray>();
  const uint32_t codes = projection ? projection->reducedDim() : dim;
  auto rows =
      RegionArray<uint8_t>::reserve(capacity * Sq8Space::strideOf(codes), Region::Pages::Huge);
  if (!rows) return rows.status();
  auto array = std::make_shared<CodeArray>();
  array->rows_ = rows.take();
  array->projection_ = std::move(projection);
  array->space_ = Sq8Space(metric, dim, array->rows_.data(), array->projection_.get());
  return array;
}

} // namespace vicinal
