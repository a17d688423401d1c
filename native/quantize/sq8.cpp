#include "quantize/sq8.hpp"

#include <algorithm>
#include <cfloat>
#include <cstring>
#include <memory>

#include "quantize/projection.hpp"
#include "quantize/sq8_kernels.hpp"

namespace vicinal {

namespace {

constexpr float kSteps = 255;
constexpr int kZeroCode = 128;

Sq8Terms* termsOf(uint8_t* row, size_t stride) {
  return reinterpret_cast<Sq8Terms*>(row + stride - sizeof(Sq8Terms));
}

struct Range {
  float low;
  float high;
};

// In lanes, since one minimum after another is all a processor would wait for.
Range rangeOf(const float* vector, size_t dim) {
  constexpr size_t kLanes = 16;
  float low[kLanes];
  float high[kLanes];
  for (size_t lane = 0; lane < kLanes; lane++) low[lane] = high[lane] = vector[0];
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes)
    for (size_t lane = 0; lane < kLanes; lane++) {
      const float value = vector[i + lane];
      low[lane] = value < low[lane] ? value : low[lane];
      high[lane] = value > high[lane] ? value : high[lane];
    }
  for (; i < dim; i++) {
    low[0] = std::min(low[0], vector[i]);
    high[0] = std::max(high[0], vector[i]);
  }
  return {*std::min_element(low, low + kLanes), *std::max_element(high, high + kLanes)};
}

void encodeRow(const float* vector, size_t dim, size_t stride, uint8_t* row) {
  const auto [low, high] = rangeOf(vector, dim);
  // Divided first: the difference of two finite floats may be none.
  float scale = high / kSteps - low / kSteps;
  // Of rows without width, or with less than floats can divide by, the middle is all there is.
  const float inverse = scale > FLT_MIN ? 1 / scale : 0;
  if (inverse == 0) scale = 0;
  // Squares are at most 2^14, dimensions 2^16.
  int32_t sum = 0;
  int32_t squares = 0;
  for (size_t i = 0; i < dim; i++) {
    // Bounded before it is an integer: the widest rows' differences are infinite.
    const float step = std::min(kSteps, (vector[i] - low) * inverse + 0.5f);
    const auto code = static_cast<int32_t>(step);
    row[i] = static_cast<uint8_t>(code);
    sum += code - kZeroCode;
    squares += (code - kZeroCode) * (code - kZeroCode);
  }
  std::memset(row + dim, 0, stride - dim);
  *termsOf(row, stride) = {low + kZeroCode * scale, scale, static_cast<float>(sum),
                           scale * scale * static_cast<float>(squares)};
}

} // namespace

Sq8Space::Sq8Space(Metric metric, uint32_t dim, uint8_t* firstRow, const Projection* projection)
    : metric_(metric), dim_(dim), codes_(projection != nullptr ? projection->reducedDim() : dim),
      stride_(strideOf(codes_)), rows_(firstRow),
      manyFn_(metric == Metric::L2 ? sq8Kernels().l2 : sq8Kernels().dot), projection_(projection) {}

void Sq8Space::encode(uint32_t id, const float* vector) const {
  if (projection_ == nullptr) return encodeRow(vector, codes_, stride_, row(id));
  thread_local std::vector<float> components;
  components.resize(codes_);
  const float left = projection_->apply(vector, components.data());
  encodeRow(components.data(), codes_, stride_, row(id));
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
  encodeRow(vector, codes_, stride_, static_cast<uint8_t*>(aligned));
  prepareRow(static_cast<const uint8_t*>(aligned), query);
  query.terms.squares += left;
}

void Sq8Space::prepareRow(const uint8_t* row, Sq8Query& query) const {
  query.bytes = (codes_ + kSq8Align - 1) / kSq8Align * kSq8Align;
  query.dim = codes_;
  query.memory_.resize(query.bytes + kSq8Align);
  const auto address = reinterpret_cast<uintptr_t>(query.memory_.data());
  int8_t* const codes = query.memory_.data() + (kSq8Align - address % kSq8Align) % kSq8Align;
  for (size_t i = 0; i < codes_; i++) codes[i] = static_cast<int8_t>(row[i] ^ kZeroCode);
  std::memset(codes + codes_, 0, query.bytes - codes_);
  query.codes = codes;
  query.terms = *termsOf(const_cast<uint8_t*>(row), stride_);
  query.sum = static_cast<int32_t>(query.terms.sum);
}

} // namespace vicinal
