#include "quantize/sq8.hpp"

#include <cstring>
#include <memory>

#include "quantize/projection.hpp"
#include "quantize/sq8_kernels.hpp"

namespace vicinal {

namespace {

Sq8Terms* termsOf(uint8_t* row, size_t stride) {
  return reinterpret_cast<Sq8Terms*>(row + stride - sizeof(Sq8Terms));
}

} // namespace

Sq8Space::Sq8Space(Metric metric, uint32_t dim, uint8_t* firstRow, const Projection* projection)
    : metric_(metric), dim_(dim), codes_(projection != nullptr ? projection->reducedDim() : dim),
      stride_(strideOf(codes_)), rows_(firstRow),
      manyFn_(metric == Metric::L2 ? sq8Kernels().l2 : sq8Kernels().dot),
      encodeFn_(sq8Kernels().encode), projection_(projection) {}

void Sq8Space::encode(uint32_t id, const float* vector) const {
  if (projection_ == nullptr) return encodeFn_(vector, codes_, stride_, row(id));
  thread_local std::vector<float> components;
  components.resize(codes_);
  const float left = projection_->apply(vector, components.data());
  encodeFn_(components.data(), codes_, stride_, row(id));
  termsOf(row(id), stride_)->squares += left;
}

void Sq8Space::prepare(const float* vector, Sq8Query& query) const {
  thread_local std::vector<float> components;
  float left = 0;
  if (projection_ != nullptr) {
    components.resize(codes_);
    left = projection_->applyFast(vector, components.data());
    vector = components.data();
  }
  thread_local std::vector<uint8_t> encoded;
  encoded.resize(stride_ + alignof(Sq8Terms));
  void* aligned = encoded.data();
  size_t room = encoded.size();
  std::align(alignof(Sq8Terms), stride_, aligned, room);
  encodeFn_(vector, codes_, stride_, static_cast<uint8_t*>(aligned));
  prepareRow(static_cast<const uint8_t*>(aligned), query);
  query.terms.squares += left;
}

void Sq8Space::prepareRow(const uint8_t* row, Sq8Query& query) const {
  query.bytes = (codes_ + kSq8Align - 1) / kSq8Align * kSq8Align;
  query.dim = codes_;
  query.memory_.resize(query.bytes + kSq8Align);
  const auto address = reinterpret_cast<uintptr_t>(query.memory_.data());
  int8_t* const codes = query.memory_.data() + (kSq8Align - address % kSq8Align) % kSq8Align;
  // A local copy: for all the compiler knows, writing a byte might change `codes_`.
  const size_t count = codes_;
  for (size_t i = 0; i < count; i++) codes[i] = static_cast<int8_t>(row[i] ^ kSq8ZeroCode);
  std::memset(codes + codes_, 0, query.bytes - codes_);
  query.codes = codes;
  query.terms = *termsOf(const_cast<uint8_t*>(row), stride_);
  query.sum = static_cast<int32_t>(query.terms.sum);
}

} // namespace vicinal
