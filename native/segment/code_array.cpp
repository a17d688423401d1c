#include "segment/code_array.hpp"

namespace vicinal {

namespace {

bool isRabitq(CodeKind kind) { return kind == CodeKind::Rabitq1 || kind == CodeKind::Rabitq4; }

} // namespace

CodeKind CodeArray::firstKind(CodeKind asked, Metric metric, uint32_t dim) {
  if (!Sq8Space::supports(metric, dim)) return CodeKind::None;
  return asked == CodeKind::Auto ? CodeKind::Sq8 : asked;
}

uint32_t CodeArray::strideOf(const CodeScheme& scheme, uint32_t dim) {
  if (isRabitq(scheme.kind))
    return RabitqSpace::strideOf(rabitqBitsOf(scheme.kind),
                                 scheme.rabitq ? scheme.rabitq->rotation.dim() : dim);
  return Sq8Space::strideOf(scheme.projection ? scheme.projection->reducedDim() : dim);
}

Result<std::shared_ptr<CodeArray>> CodeArray::create(Metric metric, uint32_t dim, uint64_t capacity,
                                                     CodeScheme scheme) {
  if (scheme.kind == CodeKind::None) return std::shared_ptr<CodeArray>();
  auto rows = RegionArray<uint8_t>::reserve(capacity * strideOf(scheme, dim), Region::Pages::Huge);
  if (!rows) return rows.status();
  auto array = std::make_shared<CodeArray>();
  array->rows_ = rows.take();
  array->scheme_ = std::move(scheme);
  CodeScheme& kept = array->scheme_;
  if (isRabitq(kept.kind)) {
    if (!kept.rabitq) kept.rabitq = std::make_shared<const RabitqModel>(std::vector<float>(dim));
    array->space_ = CodeSpace(RabitqSpace(metric, rabitqBitsOf(kept.kind), array->rows_.data(),
                                          kept.rabitq, kept.projection.get()));
  } else {
    array->space_ = CodeSpace(Sq8Space(metric, dim, array->rows_.data(), kept.projection.get()));
  }
  return array;
}

} // namespace vicinal
