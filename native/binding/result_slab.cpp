#include "binding/result_slab.hpp"

namespace vicinal::binding {

namespace {

// Some hundred results of ten points. Whoever keeps one of them keeps as much.
constexpr size_t kSlabDoubles = 64 * 1024 / sizeof(double);
// Of a slab, so that what is left of a full one is little.
constexpr size_t kMostOfSlab = kSlabDoubles / 8;

} // namespace

napi_value ResultSlab::take(napi_env env, size_t count, double*& at) {
  napi_value buffer = nullptr;
  size_t from = 0;
  if (count > kMostOfSlab) {
    void* data = nullptr;
    if (napi_create_arraybuffer(env, count * sizeof(double), &data, &buffer) != napi_ok)
      return nullptr;
    at = static_cast<double*>(data);
  } else {
    const bool hasRoom = buffer_ != nullptr && used_ + count <= kSlabDoubles;
    if (hasRoom) napi_get_reference_value(env, buffer_, &buffer);
    if (!hasRoom) buffer = begin(env);
    if (buffer == nullptr) return nullptr;
    from = used_;
    used_ += count;
    at = data_ + from;
  }
  napi_value doubles = nullptr;
  napi_create_typedarray(env, napi_float64_array, count, buffer, from * sizeof(double), &doubles);
  return doubles;
}

napi_value ResultSlab::begin(napi_env env) {
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_ref held = nullptr;
  if (napi_create_arraybuffer(env, kSlabDoubles * sizeof(double), &data, &buffer) != napi_ok ||
      napi_create_reference(env, buffer, 1, &held) != napi_ok)
    return nullptr;
  if (buffer_ != nullptr) napi_delete_reference(env, buffer_);
  buffer_ = held;
  data_ = static_cast<double*>(data);
  used_ = 0;
  return buffer;
}

} // namespace vicinal::binding
